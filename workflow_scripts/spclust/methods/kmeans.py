"""KMeans on the features."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from spclust.clustering import heads
from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    x = task.cells.matrix
    model = KMeans(task.n_clusters, n_init=task.settings["n_init"], random_state=task.seed).fit(x)
    labels = heads.ordered_by_size(model.labels_)
    # any row of each cluster tells which of the model's centres is its own
    _, rows = np.unique(labels, return_index=True)
    centres = model.cluster_centers_[model.labels_[rows]]
    confidence = heads.neighbour_agreement(x, labels)
    return Clustering(labels, confidence, x, weights={"centres": centres})


def predict(weights, task):
    """Label cells by the nearest centre; confidence is the neighbours' agreement."""
    x = task.cells.matrix
    labels = pairwise_distances_argmin(x, weights["centres"])
    return Clustering(labels, heads.neighbour_agreement(x, labels), x)
