"""``pseudolabels.csv``: first labels, by which classes are balanced."""

from spclust.data.tables import read_table, rows_of


def read_pseudolabels(path, ids):
    """First labels of cells, array of int (n,)."""
    table = read_table(path, ["pseudolabel"], "assign_pseudolabels")
    rows = rows_of(table.index, ids, path, "assign_pseudolabels")
    return table["pseudolabel"].to_numpy()[rows]
