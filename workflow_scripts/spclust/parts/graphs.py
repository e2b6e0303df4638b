"""Operations on sparse graphs: symmetry, self-loops, normalisation, statistics."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors


def neighbours_within(x, groups, n_neighbors):
    """Nearest neighbours of each row among the rows of its group.

    Parameters
    ----------
    x : array, shape (n, d)
    groups : array, shape (n,)
        Images, or any finer division; no neighbour is of another group.
    n_neighbors : int
        At most; a group of m rows has m - 1 neighbours to offer.

    Yields
    ------
    (array (m,), array (m, k))
        Row numbers of one group and of their neighbours, nearest first. Groups of one row are
        left out.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    for cells in np.split(order, np.cumsum(np.bincount(codes))[:-1]):
        k = min(n_neighbors, len(cells) - 1)
        if k > 0:
            search = NearestNeighbors(n_neighbors=k).fit(x[cells])
            # without an argument a point is not its own neighbour, duplicates included
            yield cells, cells[search.kneighbors(return_distance=False)]


def knn_graph(x, groups, n_neighbors):
    """Symmetric binary kNN graph with no edge between groups."""
    rows, columns = [], []
    for cells, neighbours in neighbours_within(x, groups, n_neighbors):
        rows.append(np.repeat(cells, neighbours.shape[1]))
        columns.append(neighbours.ravel())
    if not rows:
        return sp.csr_matrix((len(x), len(x)), dtype=np.float32)
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    data = np.ones(len(rows), dtype=np.float32)
    return symmetrised(sp.csr_matrix((data, (rows, columns)), shape=(len(x), len(x))))


def symmetrised(adjacency):
    """Binary symmetric graph without self-loops: an edge where either direction exists."""
    adjacency = sp.csr_matrix(adjacency, copy=True)
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    adjacency.data = np.ones_like(adjacency.data, dtype=np.float32)
    return adjacency.maximum(adjacency.T).tocsr()


def with_self_loops(adjacency):
    """The graph of the paper's notation: every cell is its own neighbour."""
    return (adjacency + sp.eye(adjacency.shape[0], dtype=adjacency.dtype, format="csr")).tocsr()


def normalised_adjacency(adjacency):
    """``L = D^-1/2 A D^-1/2`` of Eq. 11; rows of isolated cells are zero."""
    degree = np.asarray(adjacency.sum(1)).ravel()
    scale = sp.diags(np.where(degree > 0, 1 / np.sqrt(np.maximum(degree, 1e-12)), 0.0))
    return (scale @ adjacency @ scale).tocsr()


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
