"""Graphs of nearest cells within groups, and operations on sparse graphs."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors

# Up to so many cells, or in so few dimensions, where trees work, the search is exact. Above,
# comparing all pairs would take minutes at 100,000 cells and hours at a million.
EXACT_CELLS, FEW_DIMENSIONS = 50_000, 5


def nearest(x, n_neighbors, seed=0):
    """Nearest other rows of each row, nearest first.

    Exact up to 50,000 rows or 5 dimensions; beyond by nearest-neighbour descent, which finds
    about 19 of 20 and repeats for a seed.

    Parameters
    ----------
    x : array, shape (n, d)
    n_neighbors : int
        Less than n.
    seed : int
        Of the descent. Its default makes all methods be measured on one graph.

    Returns
    -------
    array of int, shape (n, n_neighbors)
    """
    if len(x) <= EXACT_CELLS or x.shape[1] <= FEW_DIMENSIONS:
        # without an argument a point is not its own neighbour, duplicates included
        search = NearestNeighbors(n_neighbors=n_neighbors).fit(x)
        return search.kneighbors(return_distance=False)
    from pynndescent import NNDescent

    # several threads would find other neighbours each time
    search = NNDescent(x, n_neighbors=n_neighbors + 1, random_state=seed, n_jobs=1)
    neighbours = search.neighbor_graph[0].astype(np.int64)
    lost = np.flatnonzero((neighbours < 0).any(1))
    if len(lost):  # it did not reach enough rows; those few are compared with all
        exact = NearestNeighbors(n_neighbors=n_neighbors + 1, algorithm="brute").fit(x)
        neighbours[lost] = exact.kneighbors(x[lost], return_distance=False)
    # where copies of a row crowd the row itself out, its last neighbour makes room
    itself = neighbours == np.arange(len(x))[:, None]
    itself[~itself.any(1), -1] = True
    return neighbours[~itself].reshape(len(x), n_neighbors)


def members(groups):
    """Yield the rows of each group, array of int (m,), in the order of the groups."""
    codes = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(codes))[:-1])


def joined(blocks, n):
    """Graphs of groups as one graph of all ``n`` cells.

    Parameters
    ----------
    blocks : iterable of (array of int (m,), sparse matrix (m, m))
        Rows of a group and the graph of its cells.
    n : int

    Returns
    -------
    csr_matrix of float32, shape (n, n)
    """
    rows, columns, data = [np.empty(0, int)], [np.empty(0, int)], [np.empty(0)]
    for cells, block in blocks:
        edges = block.tocoo()
        rows.append(cells[edges.row])
        columns.append(cells[edges.col])
        data.append(edges.data)
    rows, columns, data = (np.concatenate(part) for part in (rows, columns, data))
    return sp.csr_matrix((data, (rows, columns)), shape=(n, n), dtype=np.float32)


def neighbours_within(x, groups, n_neighbors, seed=0):
    """Nearest neighbours of each row among the rows of its group, see :func:`nearest`.

    Parameters
    ----------
    x : array, shape (n, d)
    groups : array, shape (n,)
        No neighbour is of another group.
    n_neighbors : int
        At most; a group of m rows has m - 1 neighbours to offer.

    Yields
    ------
    (array (m,), array (m, k))
        Row numbers of one group and of their neighbours, nearest first. Groups of one row are
        left out.
    """
    for cells in members(groups):
        k = min(n_neighbors, len(cells) - 1)
        if k > 0:
            yield cells, cells[nearest(x[cells], k, seed)]


def neighbour_pairs(x, groups, n_neighbors, seed=0):
    """Cells and their neighbours of :func:`neighbours_within`, two arrays of int (m,)."""
    rows, columns = [np.empty(0, int)], [np.empty(0, int)]
    for cells, neighbours in neighbours_within(x, groups, n_neighbors, seed):
        rows.append(np.repeat(cells, neighbours.shape[1]))
        columns.append(neighbours.ravel())
    return np.concatenate(rows), np.concatenate(columns)


def knn_graph(x, groups, n_neighbors, seed=0):
    """Symmetric binary kNN graph with no edge between groups."""
    pairs = neighbour_pairs(x, groups, n_neighbors, seed)
    data = np.ones(len(pairs[0]), dtype=np.float32)
    return symmetrised(sp.csr_matrix((data, pairs), shape=(len(x), len(x))))


def symmetrised(adjacency):
    """Binary symmetric graph without self-loops: an edge where either direction exists."""
    adjacency = sp.csr_matrix(adjacency, copy=True)
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    adjacency.data = np.ones_like(adjacency.data, dtype=np.float32)
    return adjacency.maximum(adjacency.T).tocsr()


def union(graphs):
    """The graph of all edges of some (sparse, n x n); one in several has the largest weight."""
    first, *others = graphs
    for other in others:
        first = first.maximum(other)
    return first


def with_self_loops(adjacency):
    """The graph of the paper's notation: every cell is its own neighbour."""
    return (adjacency + sp.eye(adjacency.shape[0], dtype=adjacency.dtype, format="csr")).tocsr()


def graph_statistics(adjacency):
    """Counts that tell whether a graph is usable.

    Returns
    -------
    dict of int
        ``cells``, ``edges`` (undirected), ``components``, ``isolated``.
    """
    degree = np.diff(adjacency.tocsr().indptr)
    return {
        "cells": int(adjacency.shape[0]),
        "edges": int(adjacency.nnz // 2),
        "components": int(connected_components(adjacency, directed=False)[0]),
        "isolated": int((degree == 0).sum()),
    }
