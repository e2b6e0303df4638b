"""``cells.h5mu``: imported, prepared and balanced cells, checked when they are read."""

import json

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.data.atomic import atomic
from spclust.data.cells import Cells
from spclust.data.tables import rebuild

IMAGE, SLICE, SPATIAL = "image", "slice", "spatial"
# modality of a file that does not say; and the one whose features are genes, so none is a stain
PROTEIN, RNA = "protein", "rna"
# where the unit of the coordinates is noted, in uns; and the one in which lengths are meant
UNIT, MICROMETRES = "unit", "µm"
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


def unit_of(data):
    """Unit of the coordinates of MuData or AnnData: ``µm``, ``px``, or None where none is known."""
    noted = data.uns.get("spclust")
    unit = noted.get(UNIT) if hasattr(noted, "get") else None
    return None if unit is None else str(unit)


def set_unit(data, unit):
    """Note the unit of the coordinates."""
    data.uns["spclust"] = {UNIT: unit}


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
        parents = np.column_stack(
            [at.get_indexer(text_of(obs[column])[made]) for column in PARENTS]
        )
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
        image=text_of(obs[IMAGE]),
        slice=text_of(obs[SLICE]),
        pseudolabels=pseudolabels,
        parents=parents,
        preprocessing={
            m: _read_preparation(entry) for m, entry in file["uns/preprocessing"].items()
        },
        aside=aside,
        aside_names=aside_names,
        unit=file["uns/spclust/unit"].asstr()[()] if "uns/spclust/unit" in file else None,
    )


def read_features(path, chosen):
    """Some features of imported cells as measured, read as HDF5 like :func:`read_cells`.

    Parameters
    ----------
    path : path
    chosen : callable
        From a modality and the names of its features to which are read, mask or rows.

    Returns
    -------
    DataFrame, shape (n, features chosen)
        Indexed by cell id; of several modalities features have theirs (``adt:CD3``).
    """
    columns, rule = {}, _COLUMNS["imported"][1]
    try:
        with h5py.File(path) as file:
            modalities = list(file["mod"].attrs["mod-order"])
            for modality in modalities:
                part = file["mod"][modality]
                names = _index(part["var"])
                own = np.arange(len(names))[chosen(modality, names)]
                if not len(own):
                    continue
                x = _matrix(part["X"])[:, own]
                x = x.toarray() if sp.issparse(x) else x
                prefix = f"{modality}:" if len(modalities) > 1 else ""
                columns |= {f"{prefix}{names[j]}": x[:, i] for i, j in enumerate(own)}
            return pd.DataFrame(columns, index=_index(file["obs"]))
    except (OSError, KeyError, ValueError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error


def _matrix(stored):
    """A matrix as anndata stores it, dense or sparse."""
    if isinstance(stored, h5py.Dataset):
        return stored[:]
    kind = {"csr_matrix": sp.csr_matrix, "csc_matrix": sp.csc_matrix}
    parts = tuple(stored[name][:] for name in ("data", "indices", "indptr"))
    return kind[stored.attrs["encoding-type"]](parts, shape=tuple(stored.attrs["shape"]))


def _index(table):
    """Names of the rows of a table as anndata stores it."""
    return table[table.attrs["_index"]].asstr()[:]


def text_of(column):
    """A column of text of an open file: a category of each row, or the text itself."""
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
        unit=unit_of(data),
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
    if cells.unit is not None:
        set_unit(data, cells.unit)
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
