"""SpatialLeiden (Müller-Bötticher et al. 2025): Leiden on proteins and places at once.

The published package partitions a graph of two layers, cells alike in their proteins and cells
near in the tissue, the second weighted ``layer_ratio`` (1.8 in appendix B.2). The two
resolutions are searched one after the other as the authors do, by our bisection: first that of
the proteins alone for the asked number of clusters, then that of the places. Appendix B.2 says
"Delaunay triangulation with 25 neighbors"; a triangulation has no number of neighbours, and
squidpy ignores one given.
"""

import numpy as np
import scipy.sparse as sp

from spclust.contracts import SPATIAL
from spclust.methods import from_all_rows, proteins_and_images
from spclust.parts import heads
from spclust.parts.graphs import knn_graph
from spclust.parts.spatial import delaunay_graph, edge_lengths

EVALUATIONS = 15  # of a resolution at most, as the package's own search


def spatial_weights(coordinates, images, settings):
    """One less an edge's length over the longest, the package's weight of the spatial layer."""
    import spatialleiden

    if settings["spatial_graph"] == "delaunay":
        graph = delaunay_graph(coordinates, images)
    else:
        graph = knn_graph(coordinates, images, settings["spatial_n_neighbors"])
    lengths = edge_lengths(graph, coordinates)
    if not lengths.nnz:
        return graph
    weights = spatialleiden.distance2connectivity(lengths)
    # where all edges are equally long none would be left
    return weights if weights.data.max() > 1e-6 else graph


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the share of edges in the own cluster.

    Edges of both layers count by their weight.
    """
    import spatialleiden

    s, ratio = settings, settings["layer_ratio"]
    x, images = proteins_and_images(cells)
    proteins = heads.neighbour_weights(x, images, s["n_neighbors"], seed)
    places = spatial_weights(np.asarray(cells.obsm[SPATIAL], dtype=np.float64), images, s)
    linked = np.diff(proteins.indptr) > 0
    # of images with enough cells, each edge once
    layers = [sp.triu(weights[linked][:, linked], 1) for weights in (proteins, places)]
    of_proteins = resolution_of_proteins(layers[0], images[linked], n_clusters, seed)

    def partition(resolution):
        return spatialleiden.multiplex_leiden(
            *layers,
            directed=False,
            layer_weights=[1.0, float(ratio)],
            # made anew each time, since the package changes them
            partition_kwargs=[{"resolution_parameter": r} for r in (of_proteins, resolution)],
            random_state=seed % 2**31,  # a C int
        )

    labels = heads.communities(partition, linked, x, images, n_clusters, seed, EVALUATIONS)
    both = (proteins + ratio * places).tocoo()
    return from_all_rows(cells, labels, agreement(both, labels))


def resolution_of_proteins(layer, images, n_clusters, seed):
    """Resolution that gives the asked number in each image by proteins alone."""
    if not layer.nnz:
        return 1.0
    return heads.search_resolution(
        lambda resolution: heads.leiden_partition(layer, resolution, seed),
        n_clusters * len(np.unique(images)),
    )[1]


def agreement(edges, labels):
    """Share of the weight of each cell's edges that stays in its cluster; 1 without edges."""
    total, n = edges.data, len(labels)
    inside = total * (labels[edges.row] == labels[edges.col])
    total, inside = (np.bincount(edges.row, weights=w, minlength=n) for w in (total, inside))
    return np.where(total > 0, inside / np.where(total > 0, total, 1), 1.0)
