"""Weighted nearest neighbours (Hao et al. 2021), then Leiden.

Each cell weighs its modalities by how well its neighbours in one foretell what it has there,
against its neighbours in the others; see :mod:`spclust.neighbours.wnn`. With one modality it is
Leiden on its neighbours.
"""

import logging

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from spclust.clustering import heads
from spclust.data.cells import total_spread
from spclust.methods.task import Clustering
from spclust.neighbours.expression import neighbour_weights
from spclust.neighbours.wnn import joint_graph

log = logging.getLogger(__name__)


def components(x, n_components, seed):
    """Principal components of a modality where it has more features than that."""
    n_components = min(n_components, *x.shape)
    if n_components == x.shape[1]:
        return x
    return PCA(n_components, random_state=seed).fit_transform(x).astype(np.float32)


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    s, seed = task.settings, task.seed
    spaces = {m: components(x, s["pca_components"], seed) for m, x in task.cells.features.items()}
    z = np.hstack([x / np.float32(max(total_spread(x), 1e-6)) for x in spaces.values()])
    per_cell = {}
    if len(spaces) > 1:
        graph, weights = joint_graph(list(spaces.values()), s["n_neighbors"], seed)
        weights = per_cell["modality_weights"] = pd.DataFrame(weights, columns=list(spaces))
        log.info("mean weights of modalities: %s", weights.mean().round(3).to_dict())
    else:
        graph = neighbour_weights(z, np.zeros(len(z)), s["n_neighbors"], seed)
    labels = heads.leiden_of_graph(graph, z, task.n_clusters, seed)
    return Clustering(labels, heads.neighbour_agreement(z, labels), z, per_cell=per_cell)
