"""Expression graphs: nearest neighbours in a space, plain or weighted."""

import numpy as np
import scipy.sparse as sp

from spclust.neighbours.knn import joined, knn_graph, members, nearest, neighbours_within

# UMAP's own: steps and tolerance of the search for sigma, and the least sigma
SIGMA_STEPS, SIGMA_TOLERANCE, LEAST_SIGMA = 64, 1e-5, 1e-3
# rows whose neighbours are compared at once, 80 MB with 30 neighbours
BLOCK_ROWS = 10_000


def neighbour_weights(x, groups, n_neighbors, seed):
    """kNN graph within groups with UMAP's connectivities as weights, as scanpy makes it.

    Written here since scanpy's and UMAP's own take 12 seconds to compile in every job; a test
    compares the two. As there, a cell is the first of its own neighbours. Groups of fewer than
    three cells have no edges.

    Parameters
    ----------
    x : array, shape (n, d)
    groups : array, shape (n,)
        No edge joins two of them.
    n_neighbors, seed : int

    Returns
    -------
    csr_matrix of float32, shape (n, n)
        Symmetric.
    """

    def block(cells):
        k, part = min(n_neighbors, len(cells) - 1), x[cells]
        others = nearest(part, k - 1, seed) if k > 1 else np.empty((len(cells), 0), dtype=int)
        return connectivities(others, _distances(part, others))

    return joined(((cells, block(cells)) for cells in members(groups) if len(cells) > 2), len(x))


def _distances(x, neighbours):
    """Distance of each row to its neighbours, (n, k), in blocks that fit into memory."""
    distances = np.empty(neighbours.shape)
    for start in range(0, len(x), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        gaps = x[rows, None].astype(np.float64) - x[neighbours[rows]]
        distances[rows] = np.sqrt((gaps**2).sum(axis=2))
    return distances


def connectivities(neighbours, distances):
    """Weights of a kNN graph by UMAP (McInnes et al. 2018): a fuzzy union of local ones.

    A neighbour at distance d has the weight exp(-(d - rho) / sigma) with rho the distance of the
    nearest one and sigma such that a cell's weights sum to log2 of their number, itself included.
    Of the weights a and b of both directions comes a + b - ab.

    Parameters
    ----------
    neighbours : array of int, shape (n, k)
        Without the cell itself, nearest first.
    distances : array, shape (n, k)

    Returns
    -------
    csr_matrix of float32, shape (n, n)
    """
    n, k = neighbours.shape
    d, goal = np.asarray(distances, dtype=np.float32), np.log2(k + 1)
    rho = np.where(d > 0, d, np.inf).min(axis=1, initial=np.inf)
    rho = np.where(np.isfinite(rho), rho, 0).astype(np.float32)
    beyond = np.maximum(d - rho[:, None], 0).astype(np.float64)
    low, high, sigma = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(SIGMA_STEPS):
        excess = np.exp(-beyond / sigma[:, None]).sum(axis=1) - goal
        open_ = np.abs(excess) >= SIGMA_TOLERANCE
        if not open_.any():
            break
        high, low = (
            np.where(open_ & (excess > 0), sigma, high),
            np.where(open_ & (excess <= 0), sigma, low),
        )
        middle = np.where(np.isinf(high), 2 * sigma, (low + high) / 2)
        sigma = np.where(open_, middle, sigma)
    # no smaller than a share of the mean distance, of the cell's own or of all where it has none
    mean = d.sum(axis=1) / (k + 1)
    least = np.where(rho > 0, mean, mean.mean())
    sigma = np.maximum(sigma, LEAST_SIGMA * least).astype(np.float32)
    weights = np.exp(-beyond.astype(np.float32) / np.where(sigma > 0, sigma, 1)[:, None])
    rows = np.arange(0, n * k + 1, k) if k else np.zeros(n + 1, dtype=int)
    a = sp.csr_matrix((weights.ravel(), neighbours.ravel(), rows), (n, n), dtype=np.float32)
    return (a + a.T - a.multiply(a.T)).tocsr()


def shared_neighbours(x, groups, n_neighbors, seed=0):
    """Graph of nearest neighbours weighted by the Jaccard index of their neighbour lists.

    Parameters
    ----------
    x : array, shape (n, d)
    groups : array, shape (n,)
        No edge joins two of them.
    n_neighbors, seed : int

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric, the mean of both directions; pairs that share no neighbour have no edge.
    """

    def block(cells, neighbours):
        k, n = neighbours.shape[1], len(cells)
        # positions within the group
        columns = np.searchsorted(cells, neighbours.ravel())
        lists = sp.csr_matrix(
            (np.ones(n * k, dtype=np.float32), columns, np.arange(0, n * k + 1, k)), (n, n)
        )
        by_neighbour, jaccard = lists.T.tocsr(), []
        for start in range(0, n, BLOCK_ROWS):
            part = lists[start : start + BLOCK_ROWS]
            shared = (part @ by_neighbour).multiply(part).tocsr()
            shared.data /= 2 * k - shared.data
            jaccard.append(shared)
        jaccard = sp.vstack(jaccard)
        return (jaccard + jaccard.T) / 2

    neighbour_lists = neighbours_within(x, groups, n_neighbors, seed)
    return joined(
        ((cells, block(cells, neighbours)) for cells, neighbours in neighbour_lists), len(x)
    )


# the graph of each value of the setting `expression_weights`; all take the same arguments
EXPRESSION_GRAPHS = {
    "binary": knn_graph,
    "umap": neighbour_weights,
    "jaccard": shared_neighbours,
}
