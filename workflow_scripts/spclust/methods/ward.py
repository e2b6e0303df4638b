"""Ward's hierarchical clustering on the features."""

from spclust.clustering import heads
from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    x = task.cells.matrix
    labels = heads.ward(x, task.n_clusters, task.seed)
    return Clustering(labels, heads.neighbour_agreement(x, labels), x)
