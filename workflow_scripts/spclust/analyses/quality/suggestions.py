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
MOST_TOLD = 5  # markers in a reason


def suggestions(tissue, markers, limits, batch_shift, corrections):
    """What to add to the configuration.

    Parameters
    ----------
    tissue : Tissue
    markers, limits, corrections : DataFrame
        Of :mod:`.markers`, :mod:`.outliers` and :mod:`.batches`.
    batch_shift : array, shape (batches, d)
        See :func:`spclust.analyses.quality.images.shifts`.

    Returns
    -------
    DataFrame
        A row a suggestion, none where nothing is clearly wrong.
    """
    rows = [
        *_cells(tissue, limits),
        *_markers(tissue, markers),
        *_batches(tissue, batch_shift, corrections),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _cells(tissue, limits):
    """All bounds in one line, as a key stands once; and cells that no key leaves out."""
    n, bounds, told, cells = len(tissue.ids), {}, [], 0
    for row in limits.itertuples():
        odd = row.below + row.above
        if not enough(odd, n):
            continue
        if row.reason == "empty":
            reason = f"{odd} of {n} cells have hardly any signal, their sum is below {row.low:.3g}"
            yield ["empty", _entry(tissue), "", reason, odd, odd / n]
            continue
        low, high = _plain(row.low), _plain(row.high)
        bounds[row.what] = [low if row.below else None, high if row.above else None]
        told.append(
            f"{row.what} of {row.below} cells is below {low:g}, of {row.above} above {high:g}"
        )
        cells += odd
    if bounds:
        line = f"exclude_cells: {json.dumps(bounds, ensure_ascii=False)}"
        yield ["odd cells", _entry(tissue), line, f"{'; '.join(told)}, of {n}", cells, cells / n]


def _plain(value):
    """A number with three digits."""
    rounded = float(f"{value:.3g}")
    return int(rounded) if abs(rounded) >= 100 else rounded


def _markers(tissue, markers):
    silent = markers[markers["no_signal"]]
    if not len(silent):
        return
    told = [
        f"{row.marker} is {row.median:.3g} in all cells"
        if row.minimum == row.maximum
        else f"{row.marker} has one population (valley {row.valley:.2f}), other markers "
        f"explain {row.explained:.0%} of it, neighbours {max(row.spatial, 0):.0%}"
        for row in silent.itertuples()
    ]
    reason = "; ".join(told[:MOST_TOLD])
    if len(told) > MOST_TOLD:
        reason += f"; and {len(told) - MOST_TOLD} more, see markers.csv"
    patterns = [f"^{re.escape(tissue.columns[i])}$" for i in silent.index]
    line = f"exclude_proteins: {json.dumps(patterns, ensure_ascii=False)}"
    if 2 * len(silent) > len(markers):
        reason += "; that is most of them: rather see whether the right columns were read"
        line = ""
    yield ["no signal", _entry(tissue), line, reason, 0, len(silent)]


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


def _entry(tissue):
    """Where a key of a dataset goes."""
    return "entry of each slice" if len(np.unique(tissue.slice)) > 1 else "entry of the dataset"
