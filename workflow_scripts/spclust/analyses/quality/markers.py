"""Whether a marker has signal: two populations, other markers and neighbours that go with it."""

import numpy as np
import pandas as pd

from spclust.analyses.quality.thresholds import above_zero, mixture, otsu
from spclust.neighbours.knn import neighbours_within

FEWEST = 200  # cells without which no marker is judged
MIXED = 5000  # cells that the mixture is fitted to
# A marker is said to be without signal where all of these hold; chosen so that a marker of a rare
# type, or of a state that little goes with, is not
LEAST_VALLEY, LEAST_POSITIVE = 0.1, 0.01
LEAST_TAIL, TAIL = 5e-4, 6.0
LEAST_EXPLAINED, LEAST_SPATIAL = 0.05, 0.05
MOST_ZEROS = 0.5  # of more, who can say whether the others are noise or a rare type
# at least so many cells, and so many times those at the next value, at a marker's maximum
SATURATED, PILE = 5, 3
NEIGHBOURS = 6
COLUMNS = [
    "marker",
    "minimum",
    "p01",
    "median",
    "p99",
    "maximum",
    "zero",
    "missing",
    "saturated",
    "threshold",
    "positive",
    "signal_to_noise",
    "separation",
    "valley",
    "tail",
    "explained",
    "spatial",
    "cutoff",
]


def marker_table(tissue, usual, x):
    """A row a marker.

    Parameters
    ----------
    tissue : Tissue
        Whose values are counted.
    usual : Tissue
        The same without images that are outliers, in which signal is looked for.
    x : array, shape (s, d)
        Scaled values of the sample of the latter.

    Returns
    -------
    DataFrame, d rows
        Columns as the card says, and ``cutoff``, the threshold on the scale of ``x``.
    """
    of_image = within(x, usual.image[usual.sample])
    explained, spatial = explained_by_others(of_image), neighbours_alike(usual, x)
    mixed = np.random.default_rng(0).permutation(len(x))[:MIXED]
    rows = []
    for j, name in enumerate(tissue.names):
        raw, own = tissue.raw[:, j], x[:, j]
        low, median, high = np.quantile(raw, [0.01, 0.5, 0.99])
        seen = above_zero(own)
        separation, valley, parting = mixture(own[mixed][seen[mixed]])
        there, cutoff = own[seen], max(parting, otsu(own[seen]))
        above, sampled = own > cutoff, usual.raw[usual.sample, j]
        noise = sampled[~above].mean() if (~above).any() else np.nan
        signal = sampled[above].mean() if above.any() else np.nan
        rows.append(
            {
                "marker": name,
                "minimum": raw.min(),
                "p01": low,
                "median": median,
                "p99": high,
                "maximum": raw.max(),
                "zero": (raw == 0).mean(),
                "missing": tissue.missing[j],
                "saturated": saturated(raw).mean(),
                "threshold": np.sinh(cutoff) * tissue.unit[j],
                "positive": above.mean(),
                "signal_to_noise": signal / noise if noise > 0 else np.nan,
                "separation": separation,
                "valley": valley,
                "tail": tail(there) * len(there) / len(own),
                "explained": explained[j],
                "spatial": spatial[j],
                "cutoff": cutoff,
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["no_signal"] = without_signal(table, len(x))
    return table


def without_signal(table, n):
    """Whether markers say nothing: no second population, no tail, related to nothing."""
    constant = table["minimum"] == table["maximum"]
    one = (table["valley"] < LEAST_VALLEY) | (table["positive"] < LEAST_POSITIVE)
    alone = (table["explained"] < LEAST_EXPLAINED) & (table["spatial"].fillna(0) < LEAST_SPATIAL)
    silent = one & alone & (table["tail"] < LEAST_TAIL) & (table["zero"] < MOST_ZEROS)
    return (constant | silent) & (n >= FEWEST)


def tail(values):
    """Share of values more than six deviations above the median, those by its upper half."""
    if not len(values):
        return 0.0
    median, upper = np.quantile(values, [0.5, 0.8413])
    return float((values > median + TAIL * (upper - median)).mean()) if upper > median else 0.0


def saturated(raw):
    """Which cells are at the maximum, where values pile up there, array of bool (n,)."""
    top = raw == raw.max()
    rest = raw[~top]
    if not len(rest) or top.sum() < SATURATED:
        return np.zeros(len(raw), dtype=bool)
    return top if top.sum() >= PILE * (rest == rest.max()).sum() + 2 else np.zeros_like(top)


def explained_by_others(x):
    """Share of the variance of each marker that all others explain linearly, adjusted, (d,)."""
    n, d = x.shape
    varies = x.std(axis=0) > 0
    explained = np.zeros(d)
    m = varies.sum()
    if m < 2 or n <= m + 1:
        return explained
    correlation = np.corrcoef(x[:, varies], rowvar=False) + 1e-6 * np.eye(m)
    r2 = 1 - 1 / np.diag(np.linalg.inv(correlation))
    explained[varies] = np.clip(1 - (1 - r2) * (n - 1) / (n - m), 0, 1)
    return explained


def neighbours_alike(tissue, x):
    """Moran's I of each marker on the six nearest cells of the sample, within images, (d,)."""
    places, image = tissue.places[tissue.sample], tissue.image[tissue.sample]
    placed = np.isfinite(places).all(axis=1)
    x, places, image = x[placed], places[placed], image[placed]
    if len(x) < FEWEST:
        return np.full(x.shape[1], np.nan)
    products, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for cells, near in neighbours_within(places, image, NEIGHBOURS):
        z = x - x[cells].mean(axis=0)
        products += (z[cells] * z[near].mean(axis=1)).sum(axis=0)
        squares += (z[cells] ** 2).sum(axis=0)
    return np.divide(products, squares, out=np.zeros(x.shape[1]), where=squares > 0)


def within(x, groups):
    """Values less the mean of their group, so that groups do not make markers go together."""
    x = x.copy()
    for name in np.unique(groups):
        x[groups == name] -= x[groups == name].mean(axis=0)
    return x


def correlations(names, x):
    """Pearson's correlation of each pair of markers, a row a pair."""
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.corrcoef(x, rowvar=False) if len(names) > 1 else np.ones((1, 1))
    first, second = np.triu_indices(len(names), 1)
    names = np.array(names, dtype=object)
    return pd.DataFrame(
        {"marker_1": names[first], "marker_2": names[second], "r": matrix[first, second]}
    )
