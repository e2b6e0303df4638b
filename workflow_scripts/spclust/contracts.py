"""What each file between two stages holds, checked when it is read; atomic writing.

=====================  ==========================================================================
cells.h5ad (imported)  X proteins as measured, ``obs['image']``, ``obsm['spatial']``, optional
                       ``obs['label']`` (missing where a cell is not scored), unique cell ids
cells.h5ad (prepared)  the same with X normalised; ``uns['preprocess']``
n_clusters.json        ``{"n_clusters": 5, "how": "..."}``
pseudolabels.csv       ``cell, pseudolabel``
balanced.h5ad          prepared cells first, then synthetic ones; ``obs['pseudolabel']``,
                       ``obs['synthetic']``, ``obs['parent_1']``, ``obs['parent_2']``
graphs.npz             sparse symmetric ``expression`` and ``spatial`` graphs without self-loops,
                       and the ``space`` (n, d') in which ``n_neighbors`` of each cell were sought
clusters.csv           ``cell, cluster, confidence`` for the original cells
embedding.npy          (cells, width) float32
cost.json              what a clustering took: seconds, peak memory of host and GPU in MB, device,
                       threads
=====================  ==========================================================================
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.errors import UserError

IMAGE, LABEL, SPATIAL = "image", "label", "spatial"
PSEUDOLABEL, SYNTHETIC, PARENTS = "pseudolabel", "synthetic", ("parent_1", "parent_2")

# stage of an AnnData file -> (obs columns, obsm slots, rule that makes it)
_SLOTS = {
    "imported": ((IMAGE,), (SPATIAL,), "import_cells"),
    "prepared": ((IMAGE,), (SPATIAL,), "preprocess_cells"),
    "balanced": (
        (IMAGE, PSEUDOLABEL, SYNTHETIC, *PARENTS),
        (SPATIAL,),
        "oversample_minorities",
    ),
}


@contextmanager
def atomic(path):
    """Yield a temporary name in the target's folder; rename it to ``path`` on success.

    A body that fails or is killed leaves ``path`` as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffixes stay, writers choose compression and format by them
    temporary = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _rebuild(path, what, rule):
    return UserError(
        f"{path}: {what}. It should have been made by the rule {rule}; "
        f"remake it with: snakemake --cores 1 --force {path}"
    )


def read_cells(path, stage):
    """Read an AnnData file and check the slots of its stage.

    Parameters
    ----------
    path : path
    stage : {'imported', 'prepared', 'balanced'}

    Raises
    ------
    UserError
        When the file cannot be read or a slot is missing.
    """
    import anndata

    columns, slots, rule = _SLOTS[stage]
    try:
        cells = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as error:
        raise _rebuild(path, f"cannot be read ({error})", rule) from error
    missing = [f"obs[{c!r}]" for c in columns if c not in cells.obs]
    missing += [f"obsm[{s!r}]" for s in slots if s not in cells.obsm]
    if missing:
        raise _rebuild(path, f"lacks {', '.join(missing)}", rule)
    return cells


def write_cells(cells, path):
    """Write AnnData compressed and atomically."""
    with atomic(path) as temporary:
        cells.write_h5ad(temporary, compression="gzip")


def read_table(path, columns, rule):
    """Read a CSV of one row a cell, indexed by cell id, and check its columns."""
    try:
        table = pd.read_csv(path, dtype={"cell": str})
    except (OSError, ValueError) as error:
        raise _rebuild(path, f"cannot be read ({error})", rule) from error
    missing = [c for c in ("cell", *columns) if c not in table]
    if missing:
        raise _rebuild(path, f"lacks the columns {', '.join(missing)}", rule)
    return table.set_index("cell")


def write_table(table, path, index=False):
    """Write a data frame atomically, comma- or tab-separated by the file's suffix."""
    with atomic(path) as temporary:
        separator = "\t" if Path(path).suffix == ".tsv" else ","
        table.to_csv(temporary, sep=separator, index=index)


def read_n_clusters(path):
    """The number of clusters that was chosen for a slice."""
    try:
        return int(json.loads(Path(path).read_text())["n_clusters"])
    except (OSError, ValueError, KeyError) as error:
        raise _rebuild(path, f"holds no n_clusters ({error})", "choose_n_clusters") from error


def write_json(value, path):
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_matrix(path):
    """An embedding (.npy) or the proteins of prepared cells (.h5ad), float32, (n, d)."""
    if Path(path).suffix == ".npy":
        return np.load(path)
    return np.asarray(read_cells(path, "prepared").X, dtype=np.float32)


def write_array(array, path):
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array)


class Graphs(NamedTuple):
    """Both graphs of one balanced slice.

    Attributes
    ----------
    expression, spatial : csr_matrix, shape (n, n)
    space : array, shape (n, d')
        Where expression neighbours were sought, ``n_neighbors`` of each cell.
    n_neighbors : int
    """

    expression: sp.csr_matrix
    spatial: sp.csr_matrix
    space: np.ndarray
    n_neighbors: int


def write_graphs(path, graphs):
    """Write :class:`Graphs` into one npz."""
    space = np.asarray(graphs.space, dtype=np.float32)
    arrays = {"space": space, "n_neighbors": np.int64(graphs.n_neighbors)}
    for name in ("expression", "spatial"):
        csr = sp.csr_matrix(getattr(graphs, name))
        arrays |= {f"{name}_indptr": csr.indptr, f"{name}_indices": csr.indices}
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def read_graphs(path):
    """Read what :func:`write_graphs` wrote."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        n, graphs = len(arrays["space"]), []
        for name in ("expression", "spatial"):
            indices = arrays[f"{name}_indices"]
            data = np.ones(len(indices), dtype=np.float32)
            graphs.append(sp.csr_matrix((data, indices, arrays[f"{name}_indptr"]), (n, n)))
        space, n_neighbors = arrays["space"], int(arrays["n_neighbors"])
    except (OSError, ValueError, KeyError) as error:
        raise _rebuild(path, f"cannot be read ({error})", "build_graphs") from error
    return Graphs(*graphs, space, n_neighbors)
