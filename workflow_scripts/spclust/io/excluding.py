"""Cells that are left out by ranges of their columns, ``exclude_cells`` of a dataset.

Ranges are of what was measured before anything is known of labels, and each is judged on all
cells that were read, so that none depends on another.
"""

import difflib
import logging

import numpy as np
import pandas as pd

from spclust.errors import UserError
from spclust.io import labels

log = logging.getLogger(__name__)


def reasons(measured, ranges, source):
    """Why each cell is left out.

    Parameters
    ----------
    measured : spclust.io.modalities.Found
    ranges : dict of str to (limit, limit) or None
        Column of obs or feature to the least and the largest value that stay: numbers of its
        unit, texts such as ``1%`` for percentiles, None for no limit.
    source : str
        For messages.

    Returns
    -------
    Series of str, shape (n,)
        ``area below 20``, several joined by ``; ``, missing of a cell that stays.

    Raises
    ------
    UserError
        When a column does not exist, is the labels' or holds no numbers, when a range holds
        nothing, or no cell stays.
    """
    found = np.full(len(measured.obs), "", dtype=object)
    for column, limits in (ranges or {}).items():
        values = _values(measured, column, source)
        least, largest = (_limit(limit, values) for limit in limits)
        if least is not None and largest is not None and least > largest:
            raise UserError(
                f"{source}: exclude_cells.{column}: {limits[0]} is {least:g} here and above "
                f"{limits[1]}, {largest:g}; correct one of them"
            )
        # nothing is known against a cell whose value is missing
        below = values < least if least is not None else np.zeros(len(values), dtype=bool)
        above = values > largest if largest is not None else np.zeros(len(values), dtype=bool)
        _note(found, below, f"{column} below {limits[0]}")
        _note(found, above, f"{column} above {limits[1]}")
        told = [
            f"{rows.sum()} cells are {side} {limit}{_in_numbers(limit, number)}"
            for rows, side, limit, number in (
                (below, "below", limits[0], least),
                (above, "above", limits[1], largest),
            )
            if number is not None
        ]
        missing = np.isnan(values).sum()
        told += [f"{missing} have no value and stay"] * bool(missing)
        log.warning("%s: exclude_cells.%s: %s", source, column, ", ".join(told))
    if ranges:
        _say_what_stays(measured, found == "", source)
    return pd.Series(found).where(found != "")


def features_named(part, ranges):
    """Features that ``exclude_cells`` names, before some are left out.

    Parameters
    ----------
    part : AnnData
    ranges : collection of str

    Returns
    -------
    DataFrame, shape (n, features named), indexed by the cells' names
    """
    named = part.var_names.intersection(list(ranges)) if len(ranges) else []
    if not len(named) or part.X is None or not part.var_names.is_unique:
        return pd.DataFrame(index=part.obs_names)
    values = part.X[:, part.var_names.get_indexer(named)]
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return pd.DataFrame(values, part.obs_names, named)


def _values(measured, column, source):
    """A column as numbers, NaN where it is missing."""
    if column in measured.obs:
        raw = measured.obs[column]
    else:
        raw = _feature(measured, column)
    if raw is None:
        features = (name for part in measured.modalities.values() for name in part.var_names)
        names = list(map(str, [*measured.obs.columns, *features]))
        near = difflib.get_close_matches(column, names, 1, cutoff=0.5)
        raise UserError(
            f"{source}: there is no column {column!r}, which `exclude_cells` of the dataset names"
            f"{f'; did you mean {near[0]!r}' if near else ''}? Columns are: "
            f"{', '.join(names[:60])}{', ...' * (len(names) > 60)}"
        )
    if column == measured.groups["label"]:
        raise UserError(
            f"{source}: exclude_cells.{column}: this is the column of reference labels, and which "
            "cells are clustered must not depend on it; take the line out (cells without a class "
            "are left out by  drop_unscored: true)"
        )
    raw = pd.Series(np.asarray(raw))
    values = pd.to_numeric(raw, errors="coerce").astype(float)
    bad = values.isna() & labels.as_text(raw).notna().to_numpy()
    if bad.any():
        raise UserError(
            f"{source}: exclude_cells.{column}: the column holds {str(raw[bad.idxmax()])!r}, which "
            f"is no number ({bad.sum()} such cells); name a column of numbers"
        )
    return values.to_numpy()


def _feature(measured, column):
    """Values of a feature by its name, or by that of its column in the file; None if unknown."""
    for part in measured.modalities.values():
        for names in (part.var_names, part.var.get("column", [])):
            at = np.flatnonzero(np.asarray(names, dtype=object) == column)
            if len(at):
                values = part.X[:, at[0]]
                return np.asarray(getattr(values, "toarray", lambda v=values: v)()).ravel()
    return None


def _limit(limit, values):
    """A limit as a number; percentiles are those of all cells that have a value."""
    if not isinstance(limit, str):
        return limit
    known = values[np.isfinite(values)]
    return float(np.percentile(known, float(limit.rstrip("%")))) if len(known) else None


def _in_numbers(limit, number):
    return f" ({number:g})" if isinstance(limit, str) else ""


def _note(found, rows, reason):
    found[rows] = [f"{before}; {reason}" if before else reason for before in found[rows]]


def _say_what_stays(measured, stays, source):
    image = measured.groups["image"]
    by_image = ""
    if image is not None:
        images = measured.obs[image].astype(str).to_numpy()
        out = pd.Series(~stays).groupby(images).agg(["sum", "size"]).astype(int)
        out = out[out["sum"] > 0].sort_values("sum", ascending=False)
        by_image = "; by image " + ", ".join(
            f"{name} {row['sum']} of {row['size']}" for name, row in out.head(8).iterrows()
        )
        by_image = by_image + ", ..." * (len(out) > 8) if len(out) else ""
    if not stays.any():
        raise UserError(
            f"{source}: `exclude_cells` of the dataset leaves no cell; widen its ranges, which are "
            "of what stays"
        )
    log.warning(
        "%s: exclude_cells leaves out %d of %d cells%s",
        source,
        (~stays).sum(),
        len(stays),
        by_image,
    )
