"""What all runs of a dataset say of each cell, beside the user's own rows."""

from spclust.data.tables import rows_of

# of the rows, what a user knows them by
OWN = ["file", "id", "image", "x", "y", "left_out"]


def annotate_rows(rows, tables):
    """Add tables of cells to the rows of the files that the cells were read from.

    Parameters
    ----------
    rows : DataFrame, shape (n, ...)
        See :mod:`spclust.io.rows`.
    tables : list of (str, DataFrame)
        What to put before the names of a table's columns, and the table, indexed by cell.

    Returns
    -------
    DataFrame, n rows
        ``OWN``, then the columns of the tables, missing where a row became no cell.

    Raises
    ------
    UserError
        When a table lacks a cell.
    """
    annotated, cells = rows[OWN], rows["cell"].dropna()
    for prefix, table in tables:
        at = rows_of(table.index, cells, f"the table {prefix}*", "analyse_run")
        own = table.iloc[at].set_axis(cells.index).add_prefix(prefix)
        # numbers of clusters stay whole beside what is missing
        whole = own.select_dtypes("integer").columns
        annotated = annotated.join(own.astype(dict.fromkeys(whole, "Int64")))
    return annotated
