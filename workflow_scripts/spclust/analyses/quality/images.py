"""Images beside each other: how many cells how dense, and how far their markers are shifted."""

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from spclust.analyses.areas import areas
from spclust.analyses.quality.thresholds import above_zero, otsu
from spclust.neighbours.knn import members

GRID = 128  # points at which densities are known
FEWEST = 50  # cells without which an image has no distribution to speak of
# an image is an outlier where half of its markers peak farther than this from where they peak in
# the median image, in deviations within images
OUTLIER = 1.0
MOST_SHOWN = 12
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def sizes(tissue, unit):
    """Cells, extent and density of each image.

    Parameters
    ----------
    tissue : Tissue
    unit : str or None
        Of coordinates.

    Returns
    -------
    DataFrame
        A row an image, in the order of their names.
    """
    rows = []
    for here in members(tissue.image):
        places = tissue.places[here]
        places = places[np.isfinite(places).all(axis=1)]
        hull, occupied = areas(places)
        rows.append(
            {
                "image": tissue.image[here[0]],
                "slice": tissue.slice[here[0]],
                "cells": len(here),
                "extent": hull,
                "area": occupied,
                "density": len(places) / occupied * 1e6 if occupied > 0 else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    table["unit"] = unit or "unknown"
    return table


def distributions(x, groups):
    """Densities of each marker in each group of cells.

    Where more than a twentieth of the values are zero, of the others.

    Parameters
    ----------
    x : array, shape (s, d)
        Scaled values.
    groups : array of str, shape (s,)

    Returns
    -------
    names : array of str, g of them
        Groups of at least 50 cells.
    grid : array, shape (d, 128)
        Values.
    density : array, shape (g, d, 128)
        Gaussian kernel of Silverman's width over each group's histogram; integrates to 1, and 0
        throughout where a group has fewer than 50 such values.
    deviation : array, shape (g, d)
        Robust standard deviations; NaN there.
    """
    names, counts = np.unique(groups, return_counts=True)
    names = names[counts >= FEWEST]
    density = np.zeros((len(names), x.shape[1], GRID))
    deviation, grid = np.full(density.shape[:2], np.nan), np.empty((x.shape[1], GRID))
    of_group = [groups == name for name in names]
    for j, column in enumerate(x.T):
        seen = above_zero(column)
        low, high = np.quantile(column[seen], [0.001, 0.999]) if seen.any() else (0, 0)
        margin = 0.1 * (high - low) or 0.5
        grid[j] = np.linspace(low - margin, high + margin, GRID)
        step = grid[j, 1] - grid[j, 0]
        bins = np.rint((column - grid[j, 0]) / step).astype(int).clip(0, GRID - 1)
        for g, inside in enumerate(of_group):
            own = column[inside & seen]
            if len(own) >= FEWEST:
                counts = np.bincount(bins[inside & seen], minlength=GRID) / len(own) / step
                deviation[g, j] = spread(own) or own.std()
                width = 0.9 * deviation[g, j] * len(own) ** -0.2
                density[g, j] = gaussian_filter1d(counts, max(width / step, 0.5), mode="constant")
    return names, grid, density, deviation


def spread(values):
    """Robust standard deviation, that of a normal distribution's quartiles."""
    low, high = np.quantile(values, [0.25, 0.75])
    return (high - low) / 1.349


def shifts(grid, density, deviation):
    """How far the peak of each marker lies from where it lies in the median group, (g, d).

    In units of the median of the groups' own deviations; 0 where a group has no density.
    Composition moves the share of cells in a peak, staining moves the peak.
    """
    there = np.isfinite(deviation)
    peaks = np.take_along_axis(grid[None], density.argmax(axis=2)[..., None], axis=2)[..., 0]
    result = np.zeros(there.shape)
    for j in np.flatnonzero(there.sum(axis=0) > 1):
        here, own = there[:, j], np.nanmedian(deviation[:, j])
        if own > 0:
            result[here, j] = (peaks[here, j] - np.median(peaks[here, j])) / own
    return result


def marker_images(tissue, x, names, shift):
    """A row a marker and an image: quantiles, shift, threshold and what it calls positive."""
    image = tissue.image[tissue.sample]
    common = np.array([otsu(column) for column in x.T])
    rows = []
    for g, name in enumerate(names):
        here = np.flatnonzero(image == name)
        raw = np.quantile(tissue.raw[tissue.sample[here]], QUANTILES, axis=0)
        for j, marker in enumerate(tissue.names):
            own = otsu(x[here, j])
            rows.append(
                {
                    "marker": marker,
                    "image": name,
                    **{f"p{round(100 * q):02d}": raw[i, j] for i, q in enumerate(QUANTILES)},
                    "shift": shift[g, j],
                    "threshold": np.sinh(own) * tissue.unit[j],
                    "positive": (x[here, j] > own).mean(),
                    "discordant": ((x[here, j] > own) != (x[here, j] > common[j])).mean(),
                }
            )
    columns = ["marker", "image", "p05", "p25", "p50", "p75", "p95", "shift", "threshold"]
    return pd.DataFrame(rows, columns=[*columns, "positive", "discordant"])


def shown_densities(tissue, names, grid, density, shift):
    """Every second point of the densities of twelve images at most, those most shifted."""
    far = np.abs(shift).sum(axis=1)
    chosen = np.sort(np.argsort(-far, kind="stable")[:MOST_SHOWN])
    columns = [
        np.repeat(np.array(tissue.names, dtype=object), len(chosen) * (GRID // 2)),
        np.tile(np.repeat(names[chosen], GRID // 2), len(tissue.names)),
        np.repeat(grid[:, None, ::2], len(chosen), axis=1).ravel(),
        density[chosen][..., ::2].transpose(1, 0, 2).ravel(),
    ]
    table = pd.DataFrame(dict(zip(("marker", "image", "value", "density"), columns)))
    return table.round({"value": 4, "density": 5})
