"""Operations on sparse graphs: symmetry, self-loops, normalisation, statistics."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components


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
