"""What lies around each cell: counts of kinds of cells in windows, within images."""

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from spclust.neighbours.knn import members, neighbours_within

CHUNK = 100_000  # cells whose distances to all sides of a hull are held at once


def nearest_counts(places, images, kinds, n_kinds, sizes):
    """Kinds of the nearest cells, the cell itself among them.

    Parameters
    ----------
    places : array, shape (n, 2)
    images : array, shape (n,)
        No window reaches into another.
    kinds : array of int, shape (n,)
        From 0 to ``n_kinds - 1``.
    n_kinds : int
    sizes : sequence of int
        Cells of a window; of smaller images all.

    Returns
    -------
    counts : list of array of float32, shape (n, n_kinds)
        For each size.
    reach : array, shape (n,)
        Distance of the farthest cell of the first size; 0 of a cell alone in its image.
    """
    n = len(places)
    counts = [np.zeros((n, n_kinds), np.float32) for _ in sizes]
    for of_size in counts:
        of_size[np.arange(n), kinds] = 1
    reach = np.zeros(n)
    for cells, near in neighbours_within(places, images, max(sizes) - 1):
        first = np.arange(len(cells))[:, None] * n_kinds
        for size, of_size in zip(sizes, counts):
            inside = first + kinds[near[:, : size - 1]]
            found = np.bincount(inside.ravel(), minlength=len(cells) * n_kinds)
            of_size[cells] += found.reshape(-1, n_kinds)
        last = near[:, : sizes[0] - 1][:, -1:]
        if last.size:
            reach[cells] = np.linalg.norm(places[last[:, 0]] - places[cells], axis=1)
    return counts, reach


def counts_within(places, images, kinds, n_kinds, radius):
    """Kinds of the cells up to a distance, the cell itself among them, float32 (n, n_kinds)."""
    counts = np.zeros((len(places), n_kinds), np.float32)
    for cells in members(images):
        for kind in np.unique(kinds[cells]):
            tree = cKDTree(places[cells[kinds[cells] == kind]])
            counts[cells, kind] = tree.query_ball_point(places[cells], radius, return_length=True)
    return counts


def at_rim(places, images, reach):
    """Whether a window reaches out of the convex hull of its image's cells, array of bool (n,).

    Parameters
    ----------
    places : array, shape (n, 2)
    images : array, shape (n,)
    reach : array, shape (n,)
        Radius of each window.
    """
    rim = np.ones(len(places), dtype=bool)
    for cells in members(images) if len(places) else ():
        try:
            sides = ConvexHull(places[cells]).equations
        except QhullError:  # fewer than three cells, or all on one line
            continue
        for some in np.array_split(cells, -(-len(cells) // CHUNK)):
            inside = -(places[some] @ sides[:, :2].T + sides[:, 2]).max(axis=1)
            rim[some] = inside < reach[some]
    return rim
