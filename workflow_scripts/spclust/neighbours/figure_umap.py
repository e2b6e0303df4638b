"""UMAP for figures, without what umap-learn compiles anew in every job.

Importing umap-learn takes 10 s of the processor, laying out 5,000 cells 30 s more; here it is 2 s.
The graph, the forces and the schedule of the descent are UMAP's (McInnes et al. 2018), it starts
from principal components rather than eigenvectors of the graph, and a test holds what both keep of
the cells' neighbours against each other. Where neighbours are sought in a layout, and so clusters
depend on it, the layout is umap-learn's own.
"""

import logging

import numpy as np
from numba import njit
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import NearestNeighbors

from spclust.neighbours.expression import connectivities
from spclust.neighbours.knn import members

log = logging.getLogger(__name__)

NEIGHBOURS, EPOCHS, REPELLED = 15, 200, 5
# of the curve 1 / (1 + A d^2B) that UMAP fits for its minimal distance of 0.1
A, B = np.float32(1.5769434603), np.float32(0.8950608779)
WIDTH, NOISE = 10.0, 1e-4  # of the start
# a figure shows no more cells than this apart; the others are placed beside the nearest of them
MOST_CELLS, BESIDE = 50_000, 3
# parts of space that are searched for these: a cell's own and those nearest to it
PARTS, NEAR_PARTS = 256, 8


def umap_for_figures(x, seed):
    """Two-dimensional UMAP (15 neighbours, minimal distance 0.1), repeatable for a seed.

    Of more than 50,000 cells a sample is laid out; the others are placed at the mean of the three
    cells of the sample nearest to them.

    Parameters
    ----------
    x : array, shape (n, d)
    seed : int

    Returns
    -------
    array of float32, shape (n, 2)
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    if len(x) <= MOST_CELLS:
        return _layout(x, seed)
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.choice(len(x), MOST_CELLS, replace=False))
    log.info("UMAP of %d of the %d cells; the others are placed among them", len(sample), len(x))
    layout = _layout(x[sample], seed)
    # without twins, each is in its own part
    pivots = np.unique(x[rng.choice(sample, PARTS, replace=False)], axis=0)
    places = layout[_nearest_in(x[sample], x, pivots)].mean(axis=1)
    places[sample] = layout
    return places


def _layout(x, seed):
    """UMAP of all rows."""
    x = np.pad(x, ((0, 0), (0, max(0, 2 - x.shape[1]))))
    if len(x) < 3:  # any layout of so few is as good
        return x[:, :2]
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x)) - 1).fit(x)
    distances, neighbours = search.kneighbors()
    graph = connectivities(neighbours, distances).tocoo()
    kept = graph.data * EPOCHS >= graph.data.max()  # the others never get their turn
    start = PCA(2, random_state=seed).fit_transform(x)
    start *= WIDTH / max(np.abs(start).max(), 1e-12)
    start += np.random.default_rng(seed).normal(0, NOISE, start.shape)
    edges = (graph.row[kept], graph.col[kept], graph.data[kept])
    return _descend(start.astype(np.float32), *edges, EPOCHS, REPELLED, seed)


@njit(cache=True, fastmath=True)
def _descend(places, rows, columns, weights, epochs, repelled, seed):
    """Move cells (n, 2) that share an edge together, and away from others drawn at random.

    An edge has its turn as often as its weight says, the strongest in every epoch; steps shrink
    to nothing.
    """
    np.random.seed(seed)
    one, two, most, nearest = np.float32(1), np.float32(2), np.float32(4), np.float32(0.001)
    turns = weights.max() / weights
    due = turns.copy()
    for epoch in range(1, epochs + 1):
        rate = np.float32(1 - (epoch - 1) / epochs)
        for edge in range(len(rows)):
            if due[edge] > epoch:
                continue
            due[edge] += turns[edge]
            i, j = rows[edge], columns[edge]
            x, y = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
            d = x * x + y * y
            if d > 0:
                power = d**B
                force = -two * A * B * power / (d * (one + A * power))
                x, y = min(max(force * x, -most), most), min(max(force * y, -most), most)
                places[i, 0] += rate * x
                places[i, 1] += rate * y
                places[j, 0] -= rate * x
                places[j, 1] -= rate * y
            for _ in range(repelled):
                k = np.random.randint(len(places))
                x, y = places[i, 0] - places[k, 0], places[i, 1] - places[k, 1]
                d = x * x + y * y
                if d > 0:
                    force = two * B / ((nearest + d) * (one + A * d**B))
                    places[i, 0] += rate * min(max(force * x, -most), most)
                    places[i, 1] += rate * min(max(force * y, -most), most)
    return places


def _nearest_in(sample, x, pivots):
    """Rows of the sample near each row of ``x``, (n, 3): the nearest of those in parts near it."""
    of_sample, of_x = (pairwise_distances_argmin(rows, pivots) for rows in (sample, x))
    search = NearestNeighbors(n_neighbors=min(NEAR_PARTS, len(pivots))).fit(pivots)
    near = search.kneighbors(pivots, return_distance=False)
    found = np.empty((len(x), BESIDE), dtype=np.int64)
    for rows in members(of_x):
        candidates = np.flatnonzero(np.isin(of_sample, near[of_x[rows[0]]]))
        search = NearestNeighbors(n_neighbors=BESIDE, algorithm="brute").fit(sample[candidates])
        found[rows] = candidates[search.kneighbors(x[rows], return_distance=False)]
    return found
