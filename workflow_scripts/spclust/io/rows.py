"""Rows of the user's files, each with the cell that was made of it: the way back to them."""

import numpy as np
import pandas as pd

from spclust.data.tables import read_written

# `file` and `row` say where it stands; `id`, `image`, `x`, `y` and their `unit` are the file's own
COLUMNS = ["file", "row", "id", "image", "x", "y", "unit", "cell", "left_out"]

# where AnnData of a reader that joined tables holds the rows of that of the cells
NOTED = "rows_of_files"


def of_table(table, columns, cells):
    """Rows of a text table, with those that reading it left out, file by file.

    Parameters
    ----------
    table : Table
    columns : dict of str to str or None
        ``id``, ``image``, ``x`` and ``y`` to their columns.
    cells : array of str, shape (rows,)
        Names of the cells.

    Returns
    -------
    DataFrame
        ``COLUMNS``; ``cell`` is missing and ``left_out`` says why where a row became no cell.
    """
    parts = [_of_part(table, columns).assign(cell=cells)]
    parts += [_of_part(lost, columns).assign(left_out=why) for lost, why in table.lost]
    if len(parts) == 1:
        return parts[0].reindex(columns=COLUMNS)
    rows = pd.concat([part.astype({"file": str}) for part in parts], ignore_index=True)
    order = np.lexsort([rows["row"], pd.factorize(rows["file"])[0]])
    return rows.iloc[order].reset_index(drop=True).reindex(columns=COLUMNS)


def _of_part(table, columns):
    source = table.sources[next(iter(table.origin.values()))]
    rows = pd.DataFrame({"file": source["file"], "row": source["line"]})
    for name, column in columns.items():
        if column in table.frame:
            rows[name] = table.frame[column]
    return rows


def noted(rows, cells):
    """Rows that a reader noted, with what is known of their cells by now.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`of_table`; ``x`` and ``y`` are the file's.
    cells : DataFrame, shape (n, ...)
        ``id``, ``image``, ``cell`` of those that became cells, in their order.

    Returns
    -------
    DataFrame
    """
    became = rows["cell"].notna().to_numpy()
    rows = rows.astype({"image": object})
    for column in cells.columns.intersection(["id", "image", "cell"]):
        rows.loc[became, column] = cells[column].to_numpy()
    return rows


def of_obs(names, files, cells):
    """Rows of ``obs`` of the first modality, then those that only others have.

    Parameters
    ----------
    names : dict of str to Index
        Names of the cells of each modality, as in its file.
    files : list of path
        One, or one each.
    cells : DataFrame
        ``id``, ``image``, ``x``, ``y``, ``cell``, as far as there are, of the cells that all
        modalities have; by their names, unique where there are several modalities.

    Returns
    -------
    DataFrame
        See :func:`of_table`.
    """
    files = files if len(files) == len(names) else [files[0]] * len(names)
    parts, known = [], pd.Index([])
    for own, file in zip(names.values(), files):
        part = cells
        if len(names) > 1:
            part = cells.reindex(own)
            alone = ~own.isin(cells.index)
            part["id"] = part["id"].where(~alone, own)
            if alone.any():
                part["left_out"] = np.where(alone, "not in every modality", None)
        part = part.assign(file=pd.Categorical([str(file)] * len(own)), row=np.arange(len(own)))
        # pandas is to take types from columns that hold something
        parts.append(part[~own.isin(known)].dropna(axis="columns", how="all"))
        known = known.append(own)
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def leave_out(rows, why):
    """Rows of which some became no cell after all.

    Parameters
    ----------
    rows : DataFrame
    why : Series of str
        By name of the cell, why it is left out; missing for cells that stay.

    Returns
    -------
    DataFrame
    """
    why = why.dropna()
    if not len(why):
        return rows
    why = rows["cell"].map(why)
    return rows.assign(
        cell=rows["cell"].where(why.isna()), left_out=rows["left_out"].where(why.isna(), why)
    )


def of_slices(rows):
    """Rows of the slices of a cohort, in which cells have the slice's name in front.

    Parameters
    ----------
    rows : dict of str to DataFrame
        By slice.

    Returns
    -------
    DataFrame
    """
    return pd.concat(
        [own.assign(cell=f"{name}_" + own["cell"]) for name, own in rows.items()],
        ignore_index=True,
    )


def read_rows(path):
    """``rows.csv`` with every value as the text that stands there."""
    return read_written(path, *COLUMNS)
