"""Tables of the same cells side by side, tables of other cells one below the other."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from spclust.errors import UserError
from spclust.io import guess, tables

log = logging.getLogger(__name__)


def join(parts, on):
    """Tables that hold the same cells, side by side.

    Cells that a table lacks are left out, but where it only tells of cells (labels, metadata):
    they stay without its values.

    Parameters
    ----------
    parts : list of Table
    on : list of str
        Columns that name a cell, in every table.

    Returns
    -------
    Table
        Rows in the order of the first table. A column several tables have is taken from the first.

    Raises
    ------
    UserError
        When a table names a cell twice, or two tables have no cell in common.
    """
    result, *others = parts
    tables.unique(result, on)
    for other in others:
        tables.unique(other, on)
        result = _side_by_side(result, other, on)
    return result


def look_up(table, other, on):
    """Columns of another table, one row of which stands for many cells, by the columns ``on``."""
    tables.unique(other, on)
    left, right = (pd.MultiIndex.from_frame(t.frame[on]) for t in (table, other))
    rows = right.get_indexer(left)
    if (rows < 0).any():
        log.warning("%s: it has no row for %d cells", other.files(), (rows < 0).sum())
    return _with_columns(table, other.take(rows), on)


def _side_by_side(result, other, on):
    left, right = (pd.MultiIndex.from_frame(t.frame[on]) for t in (result, other))
    rows = right.get_indexer(left)
    if not (rows >= 0).any():
        raise UserError(
            f"{other.files()} and {result.files()} have no cell in common by "
            f"{' and '.join(map(repr, on))}: ids such as {_some(right)} against "
            f"{_some(left)}; check that the files belong together and name the right "
            "column as `cell_id`"
        )
    _refuse_other_cells(result, other, rows)
    only_there = np.setdiff1d(np.arange(len(right)), rows)
    of_result, of_other = np.arange(len(left)), rows
    lost = [*result.lost, *other.lost]
    # a table of labels need not know every cell
    if _tells_only(other, on):
        _say_unknown(np.sum(rows < 0), other, left)
    else:
        of_result, of_other = of_result[rows >= 0], rows[rows >= 0]
        lost += _lost(result, np.flatnonzero(rows < 0), other, on)
    if _tells_only(result, on) and not _tells_only(other, on):
        of_result = np.append(of_result, np.full(len(only_there), -1))
        of_other = np.append(of_other, only_there)
        _say_unknown(len(only_there), result, right)
    else:
        lost += _lost(other, only_there, result, on)
    names = result.frame[on].reindex(of_result)
    names = names.where(names.notna(), other.frame[on].reindex(of_other).set_axis(names.index))
    joined = _with_columns(result.take(of_result), other.take(of_other), on)
    joined.frame[on] = names.to_numpy()
    return replace(joined, lost=lost)


def _refuse_other_cells(result, other, rows):
    """Refuse tables whose cells bear the same ids and lie elsewhere: those of two images."""
    places = [guess.coordinates(table.frame.columns) for table in (result, other)]
    if places[0] != places[1] or None in places[0]:
        return
    here, there = (table.frame[list(places[0])] for table in (result, other))
    here, there = here[rows >= 0].to_numpy(), there.iloc[rows[rows >= 0]].to_numpy()
    apart = (here != there).any(axis=1).sum()
    if apart * 2 > len(here):
        odd = sorted(set(result.frame.columns) ^ set(other.frame.columns))
        raise UserError(
            f"{other.files()} and {result.files()} hold {len(here)} ids of cells in common, of "
            f"which {apart} lie elsewhere, so they are other cells. Tables of several images need "
            f"the same columns (these differ in {', '.join(map(repr, odd[:10]))}); or make each a "
            "dataset of its own and join them as the  slices:  of another"
        )


def _tells_only(table, on):
    """Whether a table holds labels or metadata of cells, neither places nor measurements."""
    rest = table.frame.drop(columns=on)
    n_numbers = rest.select_dtypes("number").shape[1]
    nowhere = guess.coordinates(rest.columns)[0] is None
    return nowhere and (n_numbers < 2 or n_numbers <= rest.shape[1] - n_numbers)


def _say_unknown(n, table, cells):
    if n:
        log.warning(
            "%s: %d of %d cells have no row there; they stay, without its values",
            table.files(),
            n,
            len(cells),
        )


def _lost(table, rows, other, on):
    """Rows of a table that another has not, as ``Table.lost`` lists them."""
    if not len(rows):
        return []
    image = min(on, key=lambda column: table.frame[column].nunique())
    of_images = table.frame[image].iloc[rows].value_counts() if len(on) > 1 else {}
    log.warning(
        "%s: %d of %d cells are left out, as %s has no row of them%s%s",
        table.files(),
        len(rows),
        len(table.frame),
        other.files(),
        "; by image " * bool(len(of_images)),
        ", ".join(f"{name} {n}" for name, n in list(of_images.items())[:8]),
    )
    return [(table.take(rows), f"not in {other.files()}")]


def _with_columns(result, other, on):
    new = [c for c in other.frame.columns if c not in result.frame]
    twice = [c for c in other.frame.columns if c in result.frame and c not in on]
    if twice:
        log.warning("%s: columns %s are taken from the files before it", other.files(), twice)
    # the row of a file is told by the first column, so by a table that has all rows
    whole = other if any(s["line"].isna().any() for s in result.sources.values()) else result
    origin = {column: whole.origin[column] for column in on}
    return replace(
        result,
        frame=pd.concat([result.frame, other.frame[new]], axis=1),
        origin={**origin, **other.origin, **result.origin, **origin},
        sources={**other.sources, **result.sources},
        repeated=result.repeated | other.repeated,
    )


def stack(parts, alike=True):
    """Tables of several images one below the other.

    Parameters
    ----------
    parts : list of Table
    alike : bool
        Whether all must have the same columns; else those that some lack are empty there, and said.

    Raises
    ------
    UserError
        When they must have the same columns and do not.
    """
    first = parts[0]
    columns = list(dict.fromkeys(c for part in parts for c in part.frame.columns))
    of_each = [set(part.frame.columns) for part in parts]
    odd = [c for c in columns if not all(c in own for own in of_each)]
    if odd and alike:
        part = next(part for part in parts if set(part.frame.columns) != of_each[0])
        odd = sorted(of_each[0] ^ set(part.frame.columns))
        raise UserError(
            f"{part.files()} and {first.files()} differ in the columns "
            f"{', '.join(map(repr, odd))}; the tables of all images must have the same"
        )
    if odd:
        log.warning(
            "%d columns are not in all of the %d tables, and empty for the cells of the others: %s",
            len(odd),
            len(parts),
            ", ".join(odd[:20]) + (", ..." if len(odd) > 20 else ""),
        )
    return replace(
        first,
        frame=pd.concat([part.frame for part in parts], ignore_index=True),
        origin={c: key for part in parts for c, key in part.origin.items()},
        sources={
            key: pd.DataFrame(
                {
                    "file": union_categoricals([part.sources[key]["file"] for part in parts]),
                    "line": np.concatenate([part.sources[key]["line"] for part in parts]),
                }
            )
            for key in first.sources
        },
        repeated=frozenset().union(*(part.repeated for part in parts)),
        lost=[lost for part in parts for lost in part.lost],
    )


def with_others(table, files, on):
    """Tables beside those of a program: joined by the cell's name, or passed over.

    Parameters
    ----------
    table : Table
    files : list of Path
    on : list of str
        Column of the cell's id and, where there is one, of its image.

    Returns
    -------
    Table
    """
    passed_over = []
    for file in files:
        names = tables.header_if_any(file)
        if not on or on[0] not in names:
            passed_over.append(file.name)
            continue
        shared = [column for column in on if column in names]
        other = tables.read(file, text=shared)
        for column, key in zip(shared, ("cell_id", "image")):
            for part in (table, other):
                tables.clean_text(part, column, key)
        table = join([table, other], shared)
    if passed_over:
        log.warning(
            "%d file%s passed over, as %s: %s%s",
            len(passed_over),
            " is" if len(passed_over) == 1 else "s are",
            f"no column {on[0]!r} joins them to the cells" if on else "the cells have no ids",
            ", ".join(passed_over[:10]),
            ", ..." if len(passed_over) > 10 else "",
        )
    return table


def _some(index):
    return ", ".join("/".join(map(str, item)) for item in index[:3])
