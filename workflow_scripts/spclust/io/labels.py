"""Reference labels: which cells are scored, as which class."""

import logging

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)

# "-1" also stands for names that end in "_-1", as clustering programs write "unassigned"
IGNORED = (
    "other unknown unassigned undefined unidentified ambiguous dirt nan none na n/a -1".split()
)
MIN_SIZE = 50


def as_text(column):
    """Values as text, whole numbers without a decimal point, missing where there are none.

    Parameters
    ----------
    column : Series
        Of any type; ``1.0``, ``1`` and the category 1 all become ``'1'``.

    Returns
    -------
    Series of pandas string type
    """
    values = pd.Series(np.asarray(column), index=column.index)
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text = values.astype("string").str.strip()
    if text.dropna().str.fullmatch(r"-?\d+\.0+").all():
        text = text.str.replace(r"\.0+$", "", regex=True)
    return text.replace("", pd.NA)


def table(column, ignored=None, min_size=MIN_SIZE):
    """Reference labels of the cells that have one, and whether they are scored (paper, B.1).

    Parameters
    ----------
    column : Series
        Indexed by cell id.
    ignored : list of str, optional
        Labels that do not count as a class, compared without case; left out, ``IGNORED``.
    min_size : int
        Smallest class that is scored.

    Returns
    -------
    DataFrame
        Columns ``cell``, ``label`` and ``scored``.
    """
    text = as_text(column)
    ignored = {name.strip().lower() for name in (IGNORED if ignored is None else ignored)}
    small_letters = text.str.lower()
    none = small_letters.isin(ignored)
    if "-1" in ignored:
        none |= small_letters.str.endswith("_-1").fillna(False)
    log.info(
        "labels: %d cells have none, %d one that is not a class (%s)",
        text.isna().sum(),
        none.sum(),
        ", ".join(sorted(text[none].unique())) or "none",
    )
    real = text[~none].dropna().astype(object)
    rows = pd.DataFrame({"cell": real.index.astype(str), "label": real.to_numpy()})
    return rows.assign(scored=scored(rows["label"], min_size))


def empty():
    """The table of cells without reference labels."""
    return pd.DataFrame(columns=["cell", "label", "scored"])


def scored(names, min_size):
    """Whether the class of each label is large enough to be scored, array of bool (n,)."""
    sizes = names.value_counts()
    rare = sizes.index[sizes < min_size]
    log.info(
        "labels: %d classes are scored, and not %d cells in classes of fewer than %d (%s)",
        len(sizes) - len(rare),
        sizes[rare].sum(),
        min_size,
        ", ".join(f"{name} {sizes[name]}" for name in rare) or "none",
    )
    if len(rare) == len(sizes):
        log.warning(
            "no class of reference labels has %d cells or more, so nothing can be scored against "
            "them; lower `min_label_size` of the dataset",
            min_size,
        )
    return ~names.isin(rare).to_numpy()
