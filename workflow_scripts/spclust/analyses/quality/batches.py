"""What differs between images or slices that were stained apart, before and after corrections."""

import logging

import numpy as np
import pandas as pd

from spclust.analyses.mixing import scaled_lisi
from spclust.analyses.quality.thresholds import otsu
from spclust.errors import UserError
from spclust.stages.preprocess.batch import combat, harmony
from spclust.stages.preprocess.scaling import scaled

log = logging.getLogger(__name__)

FEWEST = 20  # cells without which a batch takes no part
# that are looked at, at most: Harmony and the mixing of a cell's neighbours take long
CELLS, MIXED = 5000, 1500
COLUMNS = ["correction", "unit", "batches", "cells", "variance", "discordance", "mixing", "kept"]


def corrections(tissue, x, seed):
    """A row a correction: how much batches differ before and after.

    Parameters
    ----------
    tissue : Tissue
    x : array, shape (s, d)
        Scaled values of the sample.
    seed : int

    Returns
    -------
    DataFrame
        See the card; no row where there is one batch only.
    """
    batch = tissue.batch[tissue.sample]
    rows = np.sort(np.random.default_rng(seed).permutation(len(batch))[:CELLS])
    names, counts = np.unique(batch[rows], return_counts=True)
    rows = rows[np.isin(batch[rows], names[counts >= FEWEST])]
    batch, x = batch[rows], np.asarray(x[rows], dtype=np.float32)
    names, codes = np.unique(batch, return_inverse=True)
    if len(names) < 2 or len(rows) < 2 * FEWEST:
        return pd.DataFrame(columns=COLUMNS)
    x = x[:, np.ptp(x, axis=0) > 0]
    if x.shape[1] < 2:
        return pd.DataFrame(columns=COLUMNS)
    one, some = np.zeros(len(x), dtype=int), slice(None, None, -(-len(x) // MIXED))
    before = scaled(x.copy(), one, True, None)[0]
    ways = {
        "none": lambda: before,
        "scale_within": lambda: scaled(x.copy(), codes, True, None)[0],
        "combat": lambda: combat(before, batch, tissue.batch_unit, "batch_correction"),
        "harmony": lambda: harmony(before, batch, seed),
    }
    table = []
    for name, way in ways.items():
        try:
            after = way()
        except UserError as error:
            log.warning("%s was not tried: %s", name, error)
            continue
        measures = [
            between(after, codes),
            discordance(after, codes),
            scaled_lisi(after[some], codes[some]),
            structure_kept(before, after, codes),
        ]
        table.append([name, tissue.batch_unit, len(names), len(x), *measures])
    return pd.DataFrame(table, columns=COLUMNS)


def between(x, codes):
    """Share of the variance that lies between batches, mean over markers."""
    total = ((x - x.mean(axis=0)) ** 2).sum(axis=0)
    sizes = np.bincount(codes)[:, None]
    means = np.array([x[codes == g].mean(axis=0) for g in range(len(sizes))])
    apart = (sizes * (means - x.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.divide(apart, total, out=np.zeros(len(total)), where=total > 0).mean())


def discordance(x, codes):
    """Share of the cells that a batch's own threshold calls otherwise than the common one."""
    called = np.empty(x.shape, dtype=bool)
    common = x > np.array([otsu(column) for column in x.T])
    for g in range(codes.max() + 1):
        own = x[codes == g]
        called[codes == g] = own > np.array([otsu(column) for column in own.T])
    return float((called != common).mean())


def structure_kept(before, after, codes):
    """How alike markers correlate within batches before and after; 1 is alike."""
    if before.shape[1] < 3:
        return np.nan
    upper, kept = np.triu_indices(before.shape[1], 1), []
    for g in range(codes.max() + 1):
        here = codes == g
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = [
                np.nan_to_num(np.corrcoef(x[here], rowvar=False))[upper] for x in (before, after)
            ]
            kept.append(np.corrcoef(*pairs)[0, 1])
    return float(np.nanmean(kept)) if np.isfinite(kept).any() else np.nan
