"""Neighbourhoods in the tissue: spatial graphs, lengths of edges, means over hops."""

import logging

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import radius_neighbors_graph

from spclust.neighbours.knn import joined, knn_graph, members, symmetrised

log = logging.getLogger(__name__)


def radius_graph(coordinates, images, radius):
    """Cells of an image no farther apart than a radius, symmetric and binary.

    Parameters
    ----------
    coordinates : array, shape (n, 2)
    images : array, shape (n,)
    radius : float
        In the unit of the coordinates.

    Returns
    -------
    csr_matrix, shape (n, n)
    """
    blocks = (
        (cells, radius_neighbors_graph(coordinates[cells], radius)) for cells in members(images)
    )
    return symmetrised(joined(blocks, len(coordinates)))


def delaunay_graph(coordinates, images):
    """Delaunay triangulation of each image, symmetric and binary, no cell left out.

    Parameters
    ----------
    coordinates : array, shape (n, 2)
    images : array, shape (n,)

    Returns
    -------
    csr_matrix, shape (n, n)
    """
    from scipy.spatial import Delaunay

    def triangulation(cells):
        pointers, neighbours = Delaunay(coordinates[cells]).vertex_neighbor_vertices
        return sp.csr_matrix((np.ones(len(neighbours)), neighbours, pointers), (len(cells),) * 2)

    chosen = (cells for cells in members(images) if _spans_plane(coordinates[cells]))
    graph = joined(((cells, triangulation(cells)) for cells in chosen), len(coordinates))
    return _with_loose_cells(symmetrised(graph), coordinates, images)


def _spans_plane(coordinates):
    """Whether there is a triangle to draw: not all cells lie on one line."""
    spread = np.linalg.svd(coordinates - coordinates.mean(0), compute_uv=False)
    return len(coordinates) > 2 and spread[1] > 1e-6 * spread[0]


def _with_loose_cells(graph, coordinates, images):
    """Join cells outside the triangulation to their two nearest cells.

    A triangulation leaves out the second of two cells at one point, and there is none of cells
    on a line.
    """
    loose = np.diff(graph.indptr) == 0
    if not loose.any():
        return graph
    log.info("%d cells outside the triangulation are joined to their 2 nearest cells", loose.sum())
    chosen = sp.diags(loose.astype(np.float32))
    return symmetrised(graph + chosen @ knn_graph(coordinates, images, 2))


def edge_lengths(graph, coordinates):
    """The graph with each edge's length as its value; zero lengths stay stored."""
    edges = graph.tocsr().sorted_indices()
    source = np.repeat(np.arange(edges.shape[0]), np.diff(edges.indptr))
    lengths = np.linalg.norm(coordinates[source] - coordinates[edges.indices], axis=1)
    return sp.csr_matrix((lengths, edges.indices, edges.indptr), edges.shape)


def without_long_edges(graph, coordinates, percentile):
    """The graph less its edges longer than that percentile of all lengths.

    At the rim of a slice and over gaps a triangulation joins cells that are no neighbours.
    """
    lengths = edge_lengths(graph, coordinates)
    if lengths.nnz == 0:
        return graph
    kept = (lengths.data <= np.percentile(lengths.data, percentile)).astype(np.float32)
    graph = sp.csr_matrix((kept, lengths.indices, lengths.indptr), lengths.shape)
    graph.eliminate_zeros()
    return graph


def hop_means(x, graph, hops):
    """Features of each cell beside their means over its neighbours at 1, 2, ... hops.

    A neighbour at l hops is one that no shorter path reaches; where a cell has none its mean is
    zero.

    Parameters
    ----------
    x : array, shape (n, d)
    graph : csr_matrix, shape (n, n)
        Binary, symmetric.
    hops : int

    Returns
    -------
    array, shape (n, (hops + 1) d)
    """
    ring = sp.eye(len(x), format="csr", dtype=np.float32)
    reached, means = ring, [x]
    for _ in range(hops):
        ring = ring @ graph
        ring.data[:] = 1
        ring = ring - ring.multiply(reached)
        ring.eliminate_zeros()
        reached = reached + ring
        size = np.maximum(np.diff(ring.indptr), 1).astype(x.dtype)
        means.append(ring @ x / size[:, None])
    return np.hstack(means)
