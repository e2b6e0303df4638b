"""What speaks for and against a column being a marker: its name, its values, its neighbours.

Every column starts without a reason against it, and what is left without one is a marker. The
functions take a table with a row a column of the file: its ``name``, the parts of that, whether it
is ``known`` as a protein, what its values are like (:func:`looks`); and ``reasons``, text by row.
"""

import numpy as np
import pandas as pd

from spclust.knowledge.channel_names import INTENSITIES
from spclust.knowledge.other_columns import gate, kind, numbered, unnamed

# rows that are looked at, and values up to which whole numbers are codes of something
ROWS, CODES = 2000, 100
# an unknown column is like the known ones up to this factor of their largest and smallest
ALIKE = 100
# reasons
OTHER_MEASURE, NOT_STATED = "other measures of these markers", "not stated"
UNKNOWN, UNNAMED, FLAG = "unknown names", "channels without a name", "gate or flag"
BINARY, FEW = "0 or 1", "whole numbers of few values"
GATES = ("positive", "completeness")


def give(reasons, new):
    """Set reasons where there is none yet."""
    free = reasons == ""
    reasons[free] = pd.Series(new, index=reasons.index, dtype=object)[free]


def looks(frame, columns):
    """What the values of each column are like, judged by some rows.

    Returns
    -------
    DataFrame
        ``numeric``, ``whole`` (only whole numbers), ``few`` (up to :data:`CODES` values),
        ``binary`` (0 and 1), ``counting`` (1, 2, 3, ...), ``low`` and ``high``.
    """
    rows = np.unique(np.linspace(0, len(frame) - 1, min(ROWS, len(frame))).astype(int))
    some = frame[columns].iloc[rows]
    kinds = some.dtypes
    values = np.full(some.shape, np.nan)
    plain = np.array([t.kind in "iuf" for t in kinds])
    values[:, plain] = some.loc[:, plain].to_numpy(dtype=float, na_value=np.nan)
    for j in np.flatnonzero([t.kind not in "iufb" for t in kinds]):
        values[:, j] = pd.to_numeric(some.iloc[:, j], errors="coerce")
    there = np.isfinite(values).sum(axis=0)
    # a column of markers with a typing error is still meant as one, and refused later by name
    numeric = there * 2 > np.maximum(some.notna().sum(axis=0).to_numpy(), 1)
    values = np.where(np.isfinite(values), values, np.nan)
    ordered = np.sort(values, axis=0)  # missing ones last
    with np.errstate(invalid="ignore"):
        whole = numeric & (np.nan_to_num(values) % 1 == 0).all(axis=0)
        distinct = (np.diff(ordered, axis=0) > 0).sum(axis=0) + (there > 0)
        steps = np.diff(values, axis=0)
        step = steps / np.diff(rows)[:, None] if len(rows) > 1 else steps
        counting = whole & (len(rows) > 2) & (step == 1).all(axis=0)
    low, high = np.nan_to_num(ordered[0]), np.nan_to_num(np.nanmax(np.nan_to_num(values), axis=0))
    return pd.DataFrame(
        {
            "numeric": numeric,
            "whole": whole,
            "few": whole & (distinct <= CODES) & (distinct > 1),
            "binary": whole & (distinct == 2) & (low == 0) & (high == 1),
            "counting": counting,
            "low": low,
            "high": high,
        }
    )


def by_values(table, reasons):
    """Give a reason to what stands among a format's channels and is a code, a gate or a number."""
    give(reasons, np.where(table["statistic"].isin(GATES) | table["name"].map(gate), FLAG, ""))
    give(reasons, np.where(~table["known"], table["name"].map(kind), ""))
    give(reasons, _row_numbers(table))
    if (table["known"] & (reasons == "")).any():
        # an isotope that a format or its panel states may well be all the name there is
        give(reasons, np.where(~table["known"] & table["name"].map(numbered), UNNAMED, ""))
    # of counts, as of genes, a few values are as good as many
    numbers = table[reasons == ""]
    if numbers["whole"].mean() < 0.5:
        give(reasons, np.where(table["binary"], BINARY, ""))
        give(reasons, np.where(table["few"], FEW, ""))
    if numbers["few"].mean() < 0.5:
        give(reasons, np.where(table["few"] & ~table["known"], FEW, ""))


def _row_numbers(table):
    """A reason for columns that number the rows."""
    return np.where(table["counting"] & ~table["known"], "name or number", "")


def by_evidence(table, reasons):
    """Give a reason to every column that nothing speaks for."""
    statistic, known = table["statistic"], table["known"]
    give(reasons, np.where(statistic.isin(GATES) | table["name"].map(gate), FLAG, ""))
    give(reasons, np.where(~statistic.isin(INTENSITIES), OTHER_MEASURE, ""))
    # families of one pattern that only programs write; their names need not be known
    of_program = (statistic != "") | (table["cycle"] != "") | (table["mask"] != "")
    renamed = table["own"] != table["marker"]
    give(reasons, np.where(of_program & (~known | renamed), table["own"].map(kind), ""))
    give(reasons, np.where(_other_stacks(table, reasons), "another stack of the channels", ""))
    program = of_program & (reasons == "")
    bare = ~of_program
    numbers = table[(known | of_program) & (reasons == "")]
    real = not len(numbers) or numbers["whole"].mean() < 0.5
    gates = not len(numbers) or numbers["binary"].mean() < 0.5
    give(reasons, np.where(bare & table["binary"] & gates, BINARY, ""))
    give(reasons, np.where(bare & known & table["few"] & real, FEW, ""))
    give(reasons, np.where(bare & ~known, table["name"].map(kind), ""))
    give(reasons, _row_numbers(table))
    certain = bare & known & (reasons == "")
    if certain.sum() < 2 and not program.any():
        give(reasons, UNKNOWN)
        return
    unknown = bare & ~known
    give(reasons, np.where(unknown & table["name"].map(unnamed), UNNAMED, ""))
    many = not len(numbers) or numbers["few"].mean() < 0.5
    give(reasons, np.where(unknown & table["few"] & many, FEW, ""))
    if program.sum() > 1 or certain.sum() < 2:
        give(reasons, np.where(unknown, UNKNOWN, ""))
        return
    give(reasons, np.where(unknown & ~_like(table, certain), "unlike the markers", ""))
    beside = _beside(reasons, certain)
    give(reasons, np.where(unknown & ~beside, "far from the markers", ""))


def _other_stacks(table, reasons):
    """Channels by number, ``FullStack_c1``, of other stacks than the one of most channels."""
    stacks = (
        table["own"]
        .where((reasons == "") & (table["around"] == ""))
        .str.extract(r"^(\w+)_c\d+$")[0]
    )
    sizes = stacks.value_counts()
    if len(sizes) < 2:
        return pd.Series(False, index=table.index)
    # FullStackFiltered goes before FullStack, of which it was made
    best = max(sizes.index, key=lambda stack: (sizes[stack], len(stack)))
    return stacks.notna() & (stacks != best)


def _like(table, known):
    """Whether values are of the kind of those of known markers."""
    some = table[known]
    low, high = some["high"].quantile(0.05) / ALIKE, some["high"].quantile(0.95) * ALIKE
    like = table["high"].between(low, high)
    if (some["low"] >= 0).all():
        like &= table["low"] >= 0
    if some["whole"].mean() < 0.5:
        like &= ~table["whole"] | (table["low"] == table["high"])
    elif some["whole"].all():
        like &= table["whole"]
    return like


def _beside(reasons, known):
    """Whether a column stands in one run with a known marker, channels without one between."""
    channels = (reasons == "") | reasons.isin(["background", "nuclear stain", "histone mark"])
    runs = (channels != channels.shift()).cumsum()
    with_known = set(runs[known])
    return runs.isin(with_known)
