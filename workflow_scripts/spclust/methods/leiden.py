"""Leiden on the expression graph, resolution searched for the asked number."""

from spclust.clustering import heads
from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    x, graphs = task.cells.matrix, task.graphs
    labels = heads.leiden_of_graph(graphs["expression"], x, task.n_clusters, task.seed)
    groups = task.cells.groups(graphs.settings["expression_within"])
    return Clustering(labels, heads.neighbour_agreement(x, labels, groups=groups), x)
