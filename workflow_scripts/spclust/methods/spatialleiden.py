"""SpatialLeiden (Müller-Bötticher et al. 2025): Leiden on features and places at once.

The published package partitions a graph of two layers, cells alike in their features and cells
near in the tissue, the second weighted ``layer_ratio`` (1.8 in appendix B.2). The two
resolutions are searched one after the other as the authors do, by our bisection: first that of
the features alone for the asked number of clusters, then that of the places. Appendix B.2 says
"Delaunay triangulation with 25 neighbors"; a triangulation has no number of neighbours, and
squidpy ignores one given.
"""

import numpy as np
import scipy.sparse as sp

from spclust.methods import Clustering
from spclust.parts import heads
from spclust.parts.spatial import edge_lengths

EVALUATIONS = 15  # of a resolution at most, as the package's own search


def spatial_weights(graph, coordinates):
    """One less an edge's length over the longest, the package's weight of the spatial layer."""
    import spatialleiden

    lengths = edge_lengths(graph, coordinates)
    if not lengths.nnz:
        return graph
    weights = spatialleiden.distance2connectivity(lengths)
    # where all edges are equally long none would be left
    return weights if weights.data.max() > 1e-6 else graph


def cluster(task):
    """See :func:`spclust.methods.cluster`; confidence is the share of edges in the own cluster.

    Edges of both layers count by their weight.
    """
    import spatialleiden

    x, n_clusters, seed = task.cells.matrix, task.n_clusters, task.seed
    ratio, features = task.settings["layer_ratio"], task.graphs["expression"]
    coordinates = task.cells.coordinates.astype(np.float64)
    places = spatial_weights(task.graphs["spatial"], coordinates)
    linked = np.diff(features.indptr) > 0
    # of cells that have neighbours by their features, each edge once
    layers = [sp.triu(weights[linked][:, linked], 1) for weights in (features, places)]
    of_features = resolution_of_features(layers[0], n_clusters, seed)

    def partition(resolution):
        return spatialleiden.multiplex_leiden(
            *layers,
            directed=False,
            layer_weights=[1.0, float(ratio)],
            # made anew each time, since the package changes them
            partition_kwargs=[{"resolution_parameter": r} for r in (of_features, resolution)],
            random_state=seed % 2**31,  # a C int
        )

    labels = heads.communities(partition, linked, x, n_clusters, seed, EVALUATIONS)
    both = (features + ratio * places).tocoo()
    return Clustering(labels, agreement(both, labels), x)


def resolution_of_features(layer, n_clusters, seed):
    """Resolution that gives the asked number by features alone."""
    if not layer.nnz:
        return 1.0
    partition = heads.leiden_partitions(layer)
    return heads.search_resolution(lambda r: partition(r, seed), n_clusters)[1]


def agreement(edges, labels):
    """Share of the weight of each cell's edges that stays in its cluster; 1 without edges."""
    total, n = edges.data, len(labels)
    inside = total * (labels[edges.row] == labels[edges.col])
    total, inside = (np.bincount(edges.row, weights=w, minlength=n) for w in (total, inside))
    return np.where(total > 0, inside / np.where(total > 0, total, 1), 1.0)
