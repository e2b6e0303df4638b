"""Control: the reference labels themselves. What no method can beat."""

import numpy as np

from spclust.methods.task import Clustering
from spclust.stages import pseudolabels


def cluster(task):
    """See :func:`.running.cluster`; raises UserError on a slice without labels."""
    labels = pseudolabels.truth(task.cells, task.reference)
    return Clustering(labels, np.ones(len(labels)), task.cells.matrix)
