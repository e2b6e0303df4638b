"""Lines of configuration that the quality of a dataset speaks for, each with reason and number.

Little is suggested: where it is not clear that something is a fault, nothing.
"""

import json
import re

import numpy as np
import pandas as pd

from spclust.analyses.quality.images import OUTLIER
from spclust.analyses.quality.outliers import enough

COLUMNS = ["what", "where", "line", "reason", "cells", "number"]
# Batches are stained apart where the peaks of half of all markers lie so far from each other
# (standard deviation over batches, in deviations within them); ComBat helps where it takes away
# this part of what thresholds disagree on
STAINED_APART, HELPS = 0.5, 0.3


def suggestions(tissue, markers, limits, batch_shift, corrections, technical):
    """What to add to the configuration.

    Parameters
    ----------
    tissue : Tissue
    markers, limits, corrections : DataFrame
        Of :mod:`.markers`, :mod:`.outliers` and :mod:`.batches`.
    batch_shift : array, shape (batches, d)
        See :func:`spclust.analyses.quality.images.shifts`.
    technical : list of str
        Columns that are left out now and would come back with a list of exclusions.

    Returns
    -------
    DataFrame
        A row a suggestion, none where nothing is clearly wrong.
    """
    n = len(tissue.ids)
    rows = [
        *_cells(limits, n),
        *_markers(tissue, markers, technical),
        *_batches(tissue, batch_shift, corrections),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _cells(limits, n):
    for row in limits.itertuples():
        odd = row.below + row.above
        if not enough(odd, n):
            continue
        low, high = (float(f"{value:.3g}") for value in (row.low, row.high))
        low, high = (int(v) if np.isfinite(v) and v >= 100 else v for v in (low, high))
        kept = [None if v in (-np.inf, np.inf) else v for v in (low, high)]
        line = f"exclude_cells: {json.dumps({row.what: kept}, ensure_ascii=False)}"
        reason = (
            f"{row.what}: {row.below} cells are below {low:g}"
            + (f" and {row.above} above {high:g}" if np.isfinite(high) else "")
            + f", of {n}; usual are values within these bounds"
        )
        yield [row.reason, "dataset", line if row.column else "", reason, odd, odd / n]


def _markers(tissue, markers, technical):
    silent = markers[markers["no_signal"]]
    if not len(silent):
        return
    names = [tissue.columns[i] for i in silent.index]
    patterns = [f"^{re.escape(name)}$" for name in [*names, *technical]]
    line = f"exclude_proteins: {json.dumps(patterns, ensure_ascii=False)}"
    told = [
        f"{row.marker} is {row.median:.3g} in all cells"
        if row.minimum == row.maximum
        else f"{row.marker} has one population (valley {row.valley:.2f}), other markers "
        f"explain {row.explained:.0%} of it, neighbours {max(row.spatial, 0):.0%}"
        for row in silent.itertuples()
    ]
    kept_out = f"; {', '.join(technical)} stay out" if technical else ""
    yield ["no signal", "dataset", line, "; ".join(told) + kept_out, 0, len(names)]


def _batches(tissue, shift, corrections):
    found = corrections.set_index("correction")
    if not {"none", "combat"} <= set(found.index) or not len(shift):
        return
    apart = float(np.median(shift.std(axis=0)))
    each = np.median(np.abs(shift), axis=1)
    before, after = found.loc[["none", "combat"], "discordance"]
    odd = int((each > OUTLIER).sum())
    if (apart > STAINED_APART or odd) and after < (1 - HELPS) * before:
        unit = tissue.batch_unit
        reason = (
            f"{unit}s look stained apart: half of the markers peak {apart:.2f} or more deviations "
            f"from where they peak elsewhere, {odd} of {len(each)} {unit}s are outliers; their own "
            f"thresholds call {before:.1%} of the cells otherwise, {after:.1%} after ComBat"
        )
        line = "preprocess: {default: {batch_correction: combat}}"
        yield ["batches", "configuration", line, reason, 0, apart]
