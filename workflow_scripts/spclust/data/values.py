"""Values of cells in an ``npz``: embeddings, maps."""

import numpy as np

from spclust.data.atomic import atomic
from spclust.data.tables import rebuild, rows_of


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
            cells, values = file["cells"].astype(object), file["values"]
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error
    if ids is None:
        return values, cells
    return values[rows_of(cells, ids, path, rule)], ids
