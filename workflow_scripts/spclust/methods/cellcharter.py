"""CellCharter (Varrone et al. 2024): a Gaussian mixture of what surrounds each cell.

Features are a cell's own and their means over its neighbours 1 to ``hops`` steps away in the
spatial graph, for which the card asks a triangulation less its longest edges, as the authors
build it. They aggregate the latent vector of a variational autoencoder, 10 wide; here the first
principal components of as many stand in for it.
"""

import logging

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from spclust.clustering.heads import ordered_by_size
from spclust.methods.task import Clustering
from spclust.neighbours.spatial import hop_means

log = logging.getLogger(__name__)


def cluster(task):
    """See :func:`.running.cluster`; confidence is the posterior of the own component."""
    s, n_clusters, x = task.settings, task.n_clusters, task.cells.matrix
    components = min(s["pca_components"], *x.shape)
    if components < x.shape[1]:
        x = PCA(components, random_state=task.seed).fit_transform(x)
    features = hop_means(x, task.graphs["spatial"], s["hops"])
    log.info("mixture of %d components over %d features", n_clusters, features.shape[1])
    if len(x) < n_clusters * features.shape[1]:
        log.warning(
            "%d cells are few for %d covariances of %d features; lower %s or %s",
            len(x),
            n_clusters,
            features.shape[1],
            task.key("pca_components"),
            task.key("hops"),
        )
    mixture = GaussianMixture(n_clusters, n_init=s["n_init"], random_state=task.seed)
    posterior = mixture.fit(features.astype(np.float64)).predict_proba(features)
    return Clustering(ordered_by_size(posterior.argmax(1)), posterior.max(1), features)
