"""``labels.csv``: reference labels of cells."""

import pandas as pd

from spclust.data.tables import read_table


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
