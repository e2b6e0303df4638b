"""Cells unlike all others: empty, saturated, of odd area or nuclear stain."""

import numpy as np
import pandas as pd

from spclust.analyses.quality.markers import saturated

# a column with fewer odd cells than this share, or number, has none to speak of
LEAST_SHARE, LEAST_CELLS = 1e-3, 5
# sums of shares are all alike but for rounding; a smaller spread of the logarithms counts as this
LEAST_SPREAD = 0.25
MOST_SATURATED = 3  # markers at their maximum in one cell


def bounds(values, deviations):
    """Values that are usual: the median and so many robust deviations of the logarithms about it.

    Parameters
    ----------
    values : array, shape (n,)
        Not negative; zeros and missing values take no part.
    deviations : float

    Returns
    -------
    (float, float)
    """
    logs = np.log(values[np.isfinite(values) & (values > 0)])
    if not len(logs):
        return -np.inf, np.inf
    median = np.median(logs)
    below, above = logs[logs <= median], logs[logs >= median]
    # each side by its own spread, as distributions of areas lean to one side
    sides = [1.4826 * np.median(np.abs(side - median)) for side in (below, above)]
    sides = np.maximum(sides, LEAST_SPREAD)
    return tuple(np.exp([median - deviations * sides[0], median + deviations * sides[1]]))


def flagged_cells(tissue, stains, deviations):
    """Cells unlike all others, each with the reason.

    Parameters
    ----------
    tissue : Tissue
    stains : dict of str to array (n,)
        Nuclear ones.
    deviations : float
        See :func:`bounds`.

    Returns
    -------
    flags : DataFrame
        ``cell``, ``image``, ``reason``, ``what``, ``value``, ``low``, ``high``.
    limits : DataFrame
        A row a column that was looked at: ``reason``, ``what``, ``low``, ``high``, ``below``,
        ``above``.
    """
    area = tissue.area()
    looked_at = [("empty", "sum of all values", tissue.total)]
    if area is not None:
        looked_at.append(("area", area, tissue.obs[area].to_numpy()))
    looked_at += [("nuclear stain", name, x) for name, x in stains.items()]
    flags, limits = [], []
    for reason, what, values in looked_at:
        if (values < 0).any():  # standardised, or less a background: no amounts
            continue
        low, high = bounds(values, deviations)
        # what has much of everything is no fault
        high = np.inf if reason == "empty" else high
        odd = (values < low) | (values > high)
        limits.append(
            {
                "reason": reason,
                "what": what,
                "low": low,
                "high": high,
                "below": (values < low).sum(),
                "above": (values > high).sum(),
            }
        )
        flags.append(_rows(tissue, odd, reason, what, values, low, high))
    at_top = sum(saturated(column).astype(int) for column in tissue.raw.T)
    odd = np.broadcast_to(at_top, len(tissue.ids)) >= MOST_SATURATED
    counts = np.broadcast_to(at_top, len(tissue.ids))
    flags.append(
        _rows(tissue, odd, "saturated", "markers at their maximum", counts, 0, MOST_SATURATED - 1)
    )
    columns = ["reason", "what", "low", "high", "below", "above"]
    return pd.concat(flags, ignore_index=True), pd.DataFrame(limits, columns=columns)


def _rows(tissue, odd, reason, what, values, low, high):
    return pd.DataFrame(
        {
            "cell": tissue.ids[odd],
            "image": tissue.image[odd],
            "reason": reason,
            "what": what,
            "value": np.asarray(values, dtype=np.float64)[odd],
            "low": float(low),
            "high": float(high),
        }
    )


def enough(number, n):
    """Whether so many of n cells are worth a word."""
    return number >= max(LEAST_CELLS, LEAST_SHARE * n)


def histograms(tissue, limits, bins=60):
    """Cells by area and nuclear stain, on a logarithmic scale, a row a bar.

    Parameters
    ----------
    tissue : Tissue
    limits : dict of str to array (n,)
        Values by what they are.
    bins : int
    """
    rows = []
    for what, values in limits.items():
        positive = values[np.isfinite(values) & (values > 0)]
        if len(positive) > 1 and positive.min() < positive.max():
            edges = np.geomspace(positive.min(), positive.max(), bins + 1)
            counts, _ = np.histogram(positive, edges)
            rows += [(what, edges[i], edges[i + 1], counts[i]) for i in range(bins)]
    return pd.DataFrame(rows, columns=["what", "left", "right", "cells"])
