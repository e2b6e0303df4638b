"""SpatialLeiden (Müller-Bötticher et al. 2025): Leiden on features and places at once.

The published package partitions a graph of two layers, cells alike in their features and cells
near in the tissue, the second weighted ``layer_ratio``. All is as in its tutorial: whole symmetric
matrices, the features' undirected and the places' directed, and the package's own search of the
two resolutions, first that of the features alone, then that of the places. Each edge of the
features stands twice in such an undirected graph, so that 1.8 there weighs as 0.9 would against
each edge once. Appendix B.2 says "Delaunay triangulation with 25 neighbors"; a triangulation has
no number of neighbours, and squidpy ignores one given.
"""

import logging
import warnings

import anndata
import numpy as np

from spclust.clustering import heads
from spclust.methods.task import Clustering
from spclust.neighbours.spatial import edge_lengths

log = logging.getLogger(__name__)

EVALUATIONS = 15  # of a resolution at most, as the package's own search
DIRECTED = (False, True)


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
    """See :func:`.running.cluster`; confidence is the share of edges in the own cluster.

    Edges count as Leiden sees them: those of features twice.
    """
    x, n_clusters, seed = task.cells.matrix, task.n_clusters, task.seed
    ratio, features = task.settings["layer_ratio"], task.graphs["expression"]
    places = spatial_weights(task.graphs["spatial"], task.cells.coordinates.astype(np.float64))
    # cells that have neighbours by their features
    linked = np.diff(features.indptr) > 0
    layers = [weights[linked][:, linked] for weights in (features, places)]
    if n_clusters > 1 and linked.any():
        partition = partitions(layers, n_clusters, ratio, seed % 2**31)  # a C int
    else:
        partition = None
    labels = heads.communities(partition, linked, x, n_clusters, seed, EVALUATIONS)
    both = (2 * features + ratio * places).tocoo()
    return Clustering(labels, agreement(both, labels), x)


def partitions(layers, n_clusters, ratio, seed):
    """Partitions by the resolution of the places, after the package's search of both.

    Returns
    -------
    callable
        Resolution to communities. Where the package's search met the asked number, every
        resolution gives what it found; else that of the features stays as found and that of the
        places is the caller's to search.
    """
    import spatialleiden

    features, places = layers
    adata = anndata.AnnData(shape=(features.shape[0], 0))
    own = {
        "latent_neighbors": features,
        "spatial_neighbors": places,
        "directed": DIRECTED,
        "layer_ratio": float(ratio),
        "random_state": seed,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Correct resolution not found")
        resolutions = spatialleiden.search_resolution(
            adata,
            n_clusters,
            n_iter=EVALUATIONS,
            latent_kwargs={"neighbors": features, "directed": DIRECTED[0], "random_state": seed},
            spatial_kwargs=own,
        )
    labels = np.asarray(adata.obs["spatialleiden"], dtype=np.int64)
    counted = labels.max() + 1
    log.info(
        "the package's search: %d clusters at resolutions %.3g and %.3g", counted, *resolutions
    )
    if counted == n_clusters:
        return lambda resolution: labels

    def partition(resolution):
        spatialleiden.spatialleiden(adata, **own | {"resolution": (resolutions[0], resolution)})
        return np.asarray(adata.obs["spatialleiden"], dtype=np.int64)

    return partition


def agreement(edges, labels):
    """Share of the weight of each cell's edges that stays in its cluster; 1 without edges."""
    total, n = edges.data, len(labels)
    inside = total * (labels[edges.row] == labels[edges.col])
    total, inside = (np.bincount(edges.row, weights=w, minlength=n) for w in (total, inside))
    return np.where(total > 0, inside / np.where(total > 0, total, 1), 1.0)
