"""Weighted nearest neighbours over modalities (Hao et al. 2021, Cell 184), exact and sparse.

Written here since muon's compiles its metric anew in every job, a minute for any number of cells.
"""

import numpy as np
import scipy.sparse as sp

from spclust.neighbours.expression import connectivities
from spclust.neighbours.knn import nearest

# of the paper: cells that set a bandwidth, and candidates of each modality
BANDWIDTH, CANDIDATES = 20, 200
BLOCK = 500  # rows whose candidates are compared at once
LEAST = 1e-4  # added to affinities that are divided by
# beyond, one modality is foretold by itself alone; the softmax would set the larger ratio to one
LARGEST = 200.0


def distances(x, rows, others):
    """Distance of each row to some other rows, shape (m, k)."""
    return np.linalg.norm(x[others] - x[rows][:, None], axis=2)


def affinity(distance, closest, bandwidth):
    """``exp(-max(d - d1, 0) / (sigma - d1))`` with d1 the distance of the nearest cell."""
    return np.exp(-np.maximum(distance - closest, 0) / np.maximum(bandwidth - closest, 1e-12))


def bandwidths(x, neighbours):
    """Mean distance to the 20 cells that share least of a cell's neighbours, but some.

    Of cells that share as many the farther ones count. Where nobody shares any, the farthest
    neighbour.

    Parameters
    ----------
    x : array, shape (n, d)
    neighbours : array of int, shape (n, k)

    Returns
    -------
    array, shape (n,)
    """
    n, k = neighbours.shape
    pointers = np.arange(0, n * k + 1, k)
    lists = sp.csr_matrix((np.ones(n * k), neighbours.ravel(), pointers), (n, n))
    listed, means = lists.T.tocsr(), np.empty(n)
    for start in range(0, n, BLOCK):
        shared = (lists[start : start + BLOCK] @ listed).tocoo()
        row, other = shared.row + start, shared.col
        apart = row != other
        row, other, count = row[apart], other[apart], shared.data[apart]
        gap = np.linalg.norm(x[row] - x[other], axis=1)
        order = np.lexsort((-gap, count, row))
        row, gap = row[order], gap[order]
        position = np.arange(len(row)) - np.searchsorted(row, row)
        row, gap = row[position < BANDWIDTH] - start, gap[position < BANDWIDTH]
        size = min(BLOCK, n - start)
        total, counted = (np.bincount(row, weights=w, minlength=size) for w in (gap, None))
        own = np.arange(start, start + size)
        lonely = distances(x, own, neighbours[own]).max(axis=1)
        means[own] = np.where(counted > 0, total / np.maximum(counted, 1), lonely)
    return means


def modality_weights(spaces, neighbours, closest, sigmas):
    """What each modality weighs for each cell, summing to one.

    A modality weighs by how much better its own neighbours foretell the cell there than those of
    the others do: a softmax of ``own affinity / (affinity by others + 1e-4)``, the largest of
    several others. Ratios above 200 count as 200, so that modalities that know nothing of each
    other weigh alike.

    Parameters
    ----------
    spaces : list of array, shape (n, d)
    neighbours : list of array of int, shape (n, k)
    closest, sigmas : list of array, shape (n,)

    Returns
    -------
    array, shape (n, modalities)
    """
    ratios = []
    for i, x in enumerate(spaces):
        foretold = [
            affinity(np.linalg.norm(x - x[near].mean(axis=1), axis=1), closest[i], sigmas[i])
            for near in neighbours
        ]
        own = foretold.pop(i)
        ratios.append(np.minimum(own / (np.max(foretold, axis=0) + LEAST), LARGEST))
    ratios = np.column_stack(ratios)
    shares = np.exp(ratios - ratios.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def joint_graph(spaces, n_neighbors, seed=0):
    """Graph of weighted nearest neighbours with UMAP's weights, and each cell's weights.

    Parameters
    ----------
    spaces : list of array, shape (n, d)
        Of two or more modalities.
    n_neighbors, seed : int

    Returns
    -------
    csr_matrix, shape (n, n)
    array, shape (n, modalities)
    """
    spaces = [np.asarray(x, dtype=np.float64) for x in spaces]
    n = len(spaces[0])
    k = min(n_neighbors, n - 1)
    pools = [nearest(x, min(CANDIDATES, n - 1), seed) for x in spaces]
    neighbours = [pool[:, :k] for pool in pools]
    everyone = np.arange(n)
    closest = [distances(x, everyone, near[:, :1])[:, 0] for x, near in zip(spaces, neighbours)]
    sigmas = [bandwidths(x, near) for x, near in zip(spaces, neighbours)]
    weights = modality_weights(spaces, neighbours, closest, sigmas)
    neighbours_of, gaps = np.empty((n, k), dtype=np.int64), np.empty((n, k))
    for start in range(0, n, BLOCK):
        rows = everyone[start : start + BLOCK]
        pool = np.sort(np.hstack([pool[rows] for pool in pools]), axis=1)
        theta = np.zeros(pool.shape)
        for i, x in enumerate(spaces):
            near, sigma = closest[i][rows, None], sigmas[i][rows, None]
            theta += weights[rows, i, None] * affinity(distances(x, rows, pool), near, sigma)
        theta[:, 1:][pool[:, 1:] == pool[:, :-1]] = -1  # named twice
        best = np.argsort(-theta, axis=1, kind="stable")[:, :k]
        neighbours_of[rows] = np.take_along_axis(pool, best, axis=1)
        gaps[rows] = np.sqrt((1 - np.take_along_axis(theta, best, axis=1)) / 2)
    return connectivities(neighbours_of, gaps), weights
