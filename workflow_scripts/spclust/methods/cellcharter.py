"""CellCharter (Varrone et al. 2024): a Gaussian mixture of what surrounds each cell.

Features are a cell's own and their means over its neighbours 1 to ``hops`` steps away in the
triangulated tissue, less the longest edges. The authors aggregate the latent vector of a
variational autoencoder, 10 wide; here the first principal components of as many stand in for it.
"""

import logging

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from spclust.contracts import SPATIAL
from spclust.methods import Clustering, original_rows, proteins_and_images
from spclust.parts.heads import ordered_by_size
from spclust.parts.spatial import delaunay_graph, hop_means, without_long_edges

log = logging.getLogger(__name__)


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the posterior of the own component."""
    s = settings
    x, images = proteins_and_images(cells)
    components = min(s["pca_components"], *x.shape)
    if components < x.shape[1]:
        x = PCA(components, random_state=seed).fit_transform(x)
    coordinates = np.asarray(cells.obsm[SPATIAL], dtype=np.float64)
    graph = delaunay_graph(coordinates, images)
    graph = without_long_edges(graph, coordinates, s["longest_percentile"])
    features = hop_means(x, graph, s["hops"])
    log.info("mixture of %d components over %d features", n_clusters, features.shape[1])
    if len(x) < n_clusters * features.shape[1]:
        log.warning(
            "%d cells are few for %d covariances of %d features; lower methods.<name>."
            "pca_components or hops", len(x), n_clusters, features.shape[1],
        )  # fmt: skip
    mixture = GaussianMixture(n_clusters, n_init=s["n_init"], random_state=seed)
    posterior = mixture.fit(features.astype(np.float64)).predict_proba(features)
    labels, confidence = ordered_by_size(posterior.argmax(1)), posterior.max(1)
    rows = original_rows(cells)
    return Clustering(labels[rows], confidence[rows], features[rows])
