"""Tables of one row a cell, and what to say of a file that is not what its rule promises."""

from pathlib import Path

import numpy as np
import pandas as pd

from spclust.errors import UserError


def rebuild(path, what, rule):
    """The error to raise of a file that is not what its rule promises."""
    return UserError(
        f"{path}: {what}. It should have been made by the rule {rule}; "
        f"remake it with: snakemake --cores 1 --force {path}"
    )


def read_table(path, columns, rule):
    """Read a CSV of one row a cell, indexed by cell id, and check its columns."""
    try:
        # text as it is: a cell or a class may be called NA or 007
        table = pd.read_csv(path, converters={"cell": str, "label": str})
    except (OSError, ValueError) as error:
        raise rebuild(path, f"cannot be read ({error})", rule) from error
    missing = [c for c in ("cell", *columns) if c not in table]
    if missing:
        raise rebuild(path, f"lacks the columns {', '.join(missing)}", rule)
    return table.set_index("cell")


def read_written(path, *text):
    """A table that :func:`write_table` wrote, of no row for each cell.

    Parameters
    ----------
    path : path
    *text : str
        Columns of text, in which a class may be called NA or 007.
    """
    separator = "\t" if Path(path).suffix == ".tsv" else ","
    return pd.read_csv(
        path, sep=separator, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=""
    )


def rows_of(stored, ids, path, rule):
    """Positions of the asked cells among those found in a file."""
    rows = pd.Index(stored).get_indexer(pd.Index(ids))
    if (rows < 0).any():
        lost = str(np.asarray(ids)[rows < 0][0])
        raise rebuild(path, f"lacks {int((rows < 0).sum())} cells, e.g. {lost!r}", rule)
    return rows
