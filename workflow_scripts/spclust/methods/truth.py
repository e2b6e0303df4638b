"""Control: the reference labels themselves. What no method can beat."""

import numpy as np

from spclust.clustering import heads
from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; raises UserError on a slice without labels."""
    labels = heads.reference_classes(task.cells.matrix, task.reference)
    return Clustering(labels, np.ones(len(labels)), task.cells.matrix)
