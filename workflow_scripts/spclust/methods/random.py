"""Control: labels drawn at random. What any method must beat."""

import numpy as np

from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the chance of any cluster."""
    n = len(task.cells)
    labels = np.random.default_rng(task.seed).integers(task.n_clusters, size=n)
    return Clustering(labels, np.full(n, 1 / task.n_clusters), task.cells.matrix)
