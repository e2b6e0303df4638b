"""Niches: groups of cells with alike surroundings, and how well each is found again."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from spclust.clustering.matching import matched

log = logging.getLogger(__name__)

NUMBERS = range(2, 11)
# Jaccard index from which Hennig (2007) calls a group stable
STABLE = 0.75
STARTS, REPEATED_STARTS = 10, 2
SEEDS, RESAMPLED = 2, 3
# of more cells repeats, and the starts of what is then found in all, see a sample
SAMPLE = 10_000
WAYS = ("seeds", "images", "windows")
COLUMNS = ["niches", *WAYS, "least", "chosen"]


@dataclass(frozen=True)
class Niches:
    """Niches of ``n`` cells, by decreasing size.

    Attributes
    ----------
    labels : array of int, shape (n,)
    stability : array, shape (n,)
        How often each cell is in its niche again, mean over the ways of repeating, 0 to 1.
    found_again : array, shape (niches,)
        Jaccard index of each niche and what it becomes, mean likewise.
    numbers : DataFrame
        A row a number that was tried: ``niches``, ``seeds``, ``images``, ``windows`` (mean Jaccard
        index of the niches by each way), ``least`` (of the niche found again worst) and ``chosen``.
    """

    labels: np.ndarray
    stability: np.ndarray
    found_again: np.ndarray
    numbers: pd.DataFrame


def find(windows, units, number, seed):
    """Group cells by what lies around them.

    K-means on the composition of windows, with the other sizes of windows, other seeds and
    resampled units to tell how stable that is. ``auto`` takes the largest number of which every
    niche is stable (Jaccard index of .75), else that whose worst niche is found again best.

    Parameters
    ----------
    windows : list of array, shape (n, kinds)
        Shares of kinds in the windows of the chosen size, then of others.
    units : array of int, shape (n,)
        Images, or parts of them, that are drawn with replacement.
    number : int or 'auto'
    seed : int

    Returns
    -------
    Niches
    """
    n, rng = len(units), np.random.default_rng(seed)
    if not n:
        return Niches(
            np.empty(0, np.int64), np.empty(0), np.empty(0), pd.DataFrame(columns=COLUMNS)
        )
    rows = np.sort(rng.choice(n, SAMPLE, replace=False)) if n > SAMPLE else np.arange(n)
    some = [x[rows] for x in windows]
    most = len(np.unique(some[0], axis=0))
    numbers = [k for k in (NUMBERS if number == "auto" else [number]) if k <= most] or [most]
    tried = {}
    for k in numbers:
        centres = _centres(some[0], k, seed, STARTS)
        repeats = list(_repeats(some, units[rows], k, seed))
        scores = _found_again(some, centres, repeats)
        tried[k] = centres, repeats, scores
    table = pd.DataFrame(
        [
            {"niches": k, "least": _least(scores)} | {way: s.mean() for way, s in scores.items()}
            for k, (_, _, scores) in tried.items()
        ],
        columns=COLUMNS,
    )
    stable = table.loc[table["least"] >= STABLE, "niches"]
    chosen = stable.max() if len(stable) else table.loc[table["least"].idxmax(), "niches"]
    table["chosen"] = table["niches"] == chosen
    centres, repeats, _ = tried[chosen]
    if n > SAMPLE:
        log.info("k-means starts from what is found in %d of %d cells", SAMPLE, n)
        centres = KMeans(len(centres), init=centres, n_init=1).fit(windows[0]).cluster_centers_
    labels = pairwise_distances_argmin(windows[0], centres)
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    centres, labels = centres[order], np.argsort(order)[labels]
    again = {way: [] for way in WAYS}
    for way, window, others in repeats:
        again[way].append(_matched_labels(labels, windows[window], others, len(centres)) == labels)
    stability = np.mean([np.mean(own, axis=0) for own in again.values() if own], axis=0)
    scores = _found_again(windows, centres, repeats)
    return Niches(labels, stability, np.mean(list(scores.values()), axis=0), table)


def _centres(x, k, seed, starts, weights=None):
    model = KMeans(k, n_init=starts, random_state=seed)
    return model.fit(x, sample_weight=weights).cluster_centers_


def _repeats(windows, units, k, seed):
    """Yield way, number of the window, and centres of ``k`` niches found otherwise."""
    for i in range(SEEDS):
        yield "seeds", 0, _centres(windows[0], k, _another(seed, i), REPEATED_STARTS)
    names, codes = np.unique(units, return_inverse=True)
    for i in range(RESAMPLED):
        rng = np.random.default_rng([seed, i])
        drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        there = drawn[codes] > 0
        x, weights = windows[0][there], drawn[codes][there].astype(float)
        if len(np.unique(x, axis=0)) >= k:
            yield "images", 0, _centres(x, k, _another(seed, SEEDS + i), REPEATED_STARTS, weights)
    for i, x in enumerate(windows[1:], 1):
        if len(np.unique(x, axis=0)) >= k:
            yield "windows", i, _centres(x, k, seed, REPEATED_STARTS)


def _another(seed, i):
    return int(np.random.default_rng([seed, i]).integers(2**31))


def _overlap(labels, others, k):
    """Jaccard index of each niche with each of another partition, (k, k)."""
    table = np.zeros((k, k))
    np.add.at(table, (labels, others), 1)
    either = table.sum(axis=1)[:, None] + table.sum(axis=0) - table
    return np.divide(table, either, out=np.zeros_like(table), where=either > 0)


def _found_again(windows, centres, repeats):
    """Jaccard index of each niche with what it becomes, mean by way, dict of array (k,)."""
    labels, found = pairwise_distances_argmin(windows[0], centres), {}
    for way, window, others in repeats:
        again = pairwise_distances_argmin(windows[window], others)
        jaccard = _overlap(labels, again, len(centres))
        found.setdefault(way, []).append(jaccard[np.arange(len(centres)), matched(jaccard)])
    return {way: np.mean(own, axis=0) for way, own in found.items()}


def _matched_labels(labels, x, others, k):
    """Labels by other centres, each called as the niche that it is matched to."""
    again = pairwise_distances_argmin(x, others)
    return matched(_overlap(labels, again, k).T)[again]


def _least(scores):
    return np.mean(list(scores.values()), axis=0).min()
