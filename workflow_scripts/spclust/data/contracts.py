"""What each file between two stages holds, checked when it is read; atomic writing.

=====================  ==========================================================================
cells.h5mu (imported)  MuData, a modality each as its file has it; ``obs['image']``,
                       ``obs['slice']``, ``obsm['spatial']`` (NaN: no places); unique cell ids
labels.csv             ``cell, label, scored`` of the cells that have a reference label
cells.h5mu (prepared)  the same cells with the features prepared, nothing else of the modalities;
                       ``uns['preprocessing']``; where a panel leaves features out of
                       clustering, ``var['clusters']`` says which take part
n_clusters.json        ``{"n_clusters": 5, "how": "..."}``
votes.npz              labels, shares and partitions, see :mod:`spclust.data.votes`; for people
                       there are ``votes.csv`` and ``members.csv``, and ``votes_cost.json``
pseudolabels.csv       ``cell, pseudolabel``
cells.h5mu (balanced)  prepared cells first, then synthetic ones; ``obs['pseudolabel']``,
                       ``obs['synthetic']``, ``obs['parent_1']``, ``obs['parent_2']``
graphs.npz             symmetric sparse graphs without self-loops, by name (``expression``,
                       ``expression/rna``, ``spatial``), the spaces in which expression
                       neighbours were sought, and the settings; see :mod:`spclust.data.graphs`
clusters.csv           ``cell, cluster, confidence`` of the original cells
cluster_names.csv      proposed names of clusters: ``cluster, cells, name, type, probability,
                       evidence, markers, others``
embedding.npz          ``cells`` (n,) and ``values`` (n, width) float32
cost.json              what a clustering took: seconds, peak memory of host and GPU in MB, device,
                       threads
extras/                what else a method has to say: tables as ``<name>.csv``, a stored model in
                       ``model/``
=====================  ==========================================================================
"""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.data.atomic import atomic, whole_folder, write_json, write_table  # noqa: F401
from spclust.data.cells import Cells
from spclust.errors import UserError

IMAGE, SLICE, SPATIAL = "image", "slice", "spatial"
# layer: what a file has as X, where another of its layers was measured
GIVEN = "X_given"
# column of var: whether a feature takes part in clustering
CLUSTERS = "clusters"
PSEUDOLABEL, SYNTHETIC, PARENTS = "pseudolabel", "synthetic", ("parent_1", "parent_2")

# stage of a cells file -> (obs columns, rule that makes it)
_COLUMNS = {
    "imported": ((IMAGE, SLICE), "import_cells"),
    "prepared": ((IMAGE, SLICE), "preprocess_cells"),
    "balanced": ((IMAGE, SLICE, PSEUDOLABEL, SYNTHETIC, *PARENTS), "oversample_minorities"),
}


def rebuild(path, what, rule):
    """The error to raise of a file that is not what its rule promises."""
    return UserError(
        f"{path}: {what}. It should have been made by the rule {rule}; "
        f"remake it with: snakemake --cores 1 --force {path}"
    )


def read_mudata(path, stage):
    """Read a cells file as MuData and check what its stage promises.

    Parameters
    ----------
    path : path
    stage : {'imported', 'prepared', 'balanced'}

    Raises
    ------
    UserError
        Naming the rule that should have made what is missing.
    """
    import mudata

    mudata.set_options(pull_on_update=False)
    columns, rule = _COLUMNS[stage]
    try:
        data = mudata.read_h5mu(path)
    except (OSError, KeyError, ValueError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error
    missing = [f"obs[{c!r}]" for c in columns if c not in data.obs]
    missing += [f"obsm[{SPATIAL!r}]"] * (SPATIAL not in data.obsm)
    if missing:
        raise rebuild(path, f"lacks {', '.join(missing)}", rule)
    if not data.obs_names.is_unique:
        raise rebuild(path, "has cell ids that repeat", rule)
    for modality, part in data.mod.items():
        if not part.obs_names.equals(data.obs_names):
            raise rebuild(path, f"has other cells in {modality!r}, or in another order", rule)
    return data


def write_mudata(data, path):
    """Write MuData compressed and atomically."""
    with atomic(path) as temporary:
        data.write_h5mu(temporary, compression="gzip")


def read_cells(path, stage):
    """Read prepared or balanced cells.

    What :func:`write_cells` wrote is read as HDF5: to import anndata takes most jobs longer than
    all that they do.

    Parameters
    ----------
    path : path
    stage : {'prepared', 'balanced'}

    Returns
    -------
    Cells

    Raises
    ------
    UserError
        Naming the rule that should have made what is missing.
    """
    columns, rule = _COLUMNS[stage]
    try:
        with h5py.File(path) as file:
            obs = file["obs"]
            missing = [f"obs[{c!r}]" for c in columns if c not in obs]
            missing += [f"obsm[{SPATIAL!r}]"] * (SPATIAL not in file["obsm"])
            if missing:
                raise rebuild(path, f"lacks {', '.join(missing)}", rule)
            return _stored_cells(file, path, rule)
    except (OSError, KeyError, ValueError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error


def _stored_cells(file, path, rule):
    """The cells of an open file of :func:`write_cells`."""
    obs, ids = file["obs"], _index(file["obs"])
    at = pd.Index(ids)
    if not at.is_unique:
        raise rebuild(path, "has cell ids that repeat", rule)
    pseudolabels, parents = None, np.empty((0, 2), dtype=np.int64)
    if PSEUDOLABEL in obs:
        pseudolabels = obs[PSEUDOLABEL][:].astype(np.int64)
        made = obs[SYNTHETIC][:]
        parents = np.column_stack([at.get_indexer(_text(obs[column])[made]) for column in PARENTS])
    features, names, aside, aside_names = {}, {}, {}, {}
    for m in file["mod"].attrs["mod-order"]:
        part = file["mod"][m]
        if not np.array_equal(_index(part["obs"]), ids):
            raise rebuild(path, f"has other cells in {m!r}, or in another order", rule)
        features[m], names[m] = part["X"][:].astype(np.float32, copy=False), _index(part["var"])
        if CLUSTERS in part["var"]:
            mask = part["var"][CLUSTERS][:]
            aside[m] = np.ascontiguousarray(features[m][:, ~mask])
            features[m] = np.ascontiguousarray(features[m][:, mask])
            names[m], aside_names[m] = names[m][mask], names[m][~mask]
    return Cells(
        ids,
        features,
        names,
        coordinates=file["obsm"][SPATIAL][:],
        image=_text(obs[IMAGE]),
        slice=_text(obs[SLICE]),
        pseudolabels=pseudolabels,
        parents=parents,
        preprocessing={
            m: _read_preparation(entry) for m, entry in file["uns/preprocessing"].items()
        },
        aside=aside,
        aside_names=aside_names,
    )


def _index(table):
    """Names of the rows of a table as anndata stores it."""
    return table[table.attrs["_index"]].asstr()[:]


def _text(column):
    """A column of text as anndata stores it: a category of each row, or the text itself."""
    if isinstance(column, h5py.Group):
        return column["categories"].asstr()[:][column["codes"][:]]
    return column.asstr()[:]


def without_features(data):
    """The cells of MuData with all that is known of them but their features."""
    return Cells(
        ids=data.obs_names.to_numpy(dtype=object),
        features={},
        names={},
        coordinates=np.asarray(data.obsm[SPATIAL], dtype=np.float32),
        image=data.obs[IMAGE].astype(str).to_numpy(dtype=object),
        slice=data.obs[SLICE].astype(str).to_numpy(dtype=object),
    )


def write_cells(cells, path):
    """Write prepared or balanced cells."""
    import anndata
    import mudata

    mudata.set_options(pull_on_update=False)
    ids, whole = pd.Index(cells.ids.astype(str)), cells.whole()
    data = mudata.MuData(
        {
            m: anndata.AnnData(
                x,
                obs=pd.DataFrame(index=ids),
                var=pd.DataFrame(index=pd.Index(whole.names[m].astype(str))),
            )
            for m, x in whole.features.items()
        }
    )
    for m in cells.aside:
        data.mod[m].var[CLUSTERS] = np.arange(data.mod[m].n_vars) < len(cells.names[m])
    data.obs[IMAGE] = pd.Categorical(cells.image.astype(str))
    data.obs[SLICE] = pd.Categorical(cells.slice.astype(str))
    data.obsm[SPATIAL] = cells.coordinates
    if cells.pseudolabels is not None:
        data.obs[PSEUDOLABEL] = cells.pseudolabels
        data.obs[SYNTHETIC] = np.arange(len(cells)) >= cells.n_original
        for column, rows in zip(PARENTS, cells.parents.T):
            data.obs[column] = [""] * cells.n_original + list(ids[rows])
    data.uns["preprocessing"] = {
        m: {"settings": json.dumps(entry["settings"]), "constants": entry["constants"]}
        for m, entry in cells.preprocessing.items()
    }
    write_mudata(data, path)


def _read_preparation(entry):
    # text comes back as objects, which could not be stored with a model
    constants = {
        name: value.asstr()[()].astype(str) if value.dtype.kind == "O" else np.asarray(value[()])
        for name, value in entry["constants"].items()
    }
    return {"settings": json.loads(entry["settings"].asstr()[()]), "constants": constants}


def dense(x):
    """A matrix as a dense float32 array in C order."""
    return np.array(x.toarray() if sp.issparse(x) else x, dtype=np.float32, order="C")


def read_table(path, columns, rule):
    """Read a CSV of one row a cell, indexed by cell id, and check its columns."""
    try:
        # text as it is: a cell or a class may be called NA or 007
        table = pd.read_csv(path, converters={"cell": str, "label": str})
    except (OSError, ValueError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error
    missing = [c for c in ("cell", *columns) if c not in table]
    if missing:
        raise rebuild(path, f"lacks the columns {', '.join(missing)}", rule)
    return table.set_index("cell")


def read_written(path, *text):
    """A table that :func:`write_table` wrote, of no row for each cell.

    Parameters
    ----------
    path : path
    *text : str
        Columns of text, in which a class may be called NA or 007.
    """
    separator = "\t" if Path(path).suffix == ".tsv" else ","
    return pd.read_csv(
        path, sep=separator, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=""
    )


def read_labels(path, ids):
    """Reference labels of cells, missing where a cell is not scored.

    Parameters
    ----------
    path : path
        ``labels.csv``.
    ids : array of str, shape (n,)

    Returns
    -------
    Series of object, shape (n,)
    """
    table = read_table(path, ["label", "scored"], "import_cells")
    labels = table.loc[table["scored"].astype(bool), "label"].astype(object)
    return labels.reindex(pd.Index(ids))


def _rows_of(found, ids, path, rule):
    """Positions of the asked cells among those found in a file."""
    rows = pd.Index(found).get_indexer(pd.Index(ids))
    if (rows < 0).any():
        lost = str(np.asarray(ids)[rows < 0][0])
        raise rebuild(path, f"lacks {int((rows < 0).sum())} cells, e.g. {lost!r}", rule)
    return rows


def read_clusters(path, ids=None):
    """``cluster`` and ``confidence``, indexed by cell id; in the order of ``ids`` where given."""
    table = read_table(path, ["cluster", "confidence"], "cluster_cells")
    if ids is None:
        return table
    return table.iloc[_rows_of(table.index, ids, path, "cluster_cells")]


def write_clusters(labels, confidence, ids, path):
    """Write ``clusters.csv``."""
    table = pd.DataFrame({"cell": ids, "cluster": labels, "confidence": confidence})
    write_table(table.round({"confidence": 6}), path)


def read_cluster_names(path):
    """What :func:`spclust.analyses.names.name_clusters` returned."""
    try:
        table = pd.read_csv(path)
        # names as they are, missing only where nothing stands
        return table.astype({"name": str, "markers": object, "type": object})
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", "analyse_run") from error


def read_extras(folder):
    """The tables of a run's ``extras/`` by name."""
    paths = sorted(Path(folder).glob("*.csv"))
    return {path.stem: pd.read_csv(path, dtype={"cell": str}) for path in paths}


def read_pseudolabels(path, ids):
    """First labels of cells, array of int (n,)."""
    table = read_table(path, ["pseudolabel"], "assign_pseudolabels")
    rows = _rows_of(table.index, ids, path, "assign_pseudolabels")
    return table["pseudolabel"].to_numpy()[rows]


def read_n_clusters(path):
    """The number of clusters that was chosen for a slice."""
    try:
        return int(json.loads(Path(path).read_text())["n_clusters"])
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"holds no n_clusters ({error})", "choose_n_clusters") from error


def write_values(values, ids, path):
    """Write values of cells (embedding, UMAP), float32 (n, d), with the cells' ids."""
    values = np.asarray(values, dtype=np.float32)
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, cells=np.asarray(ids).astype(str), values=values)


def read_values(path, ids=None, rule="cluster_cells"):
    """Read what :func:`write_values` wrote.

    Returns
    -------
    values : array of float32, shape (n, d)
        In the order of ``ids``, or as stored without them.
    ids : array of str, shape (n,)
    """
    try:
        with np.load(path) as file:
            found, values = file["cells"].astype(object), file["values"]
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error
    if ids is None:
        return values, found
    return values[_rows_of(found, ids, path, rule)], ids
