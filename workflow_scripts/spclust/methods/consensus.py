"""What the pool of the stage ``votes`` agrees on."""

import numpy as np
import pandas as pd

from spclust.methods import Clustering
from spclust.parts import heads


def cluster(task):
    """See :func:`spclust.methods.cluster`; confidence is the share of the votes.

    Synthetic cells, which nobody voted on, take the cluster with the nearest centroid.
    """
    votes, operator, x = task.votes, task.settings["operator"], task.cells.matrix
    measured = np.arange(len(x)) < len(votes.ids)
    labels = np.r_[votes.labels[operator], np.zeros(len(x) - len(votes.ids), dtype=np.int64)]
    labels = heads.nearest_centroid(x, labels, measured)
    confidence = np.r_[votes.confidence(operator), heads.neighbour_agreement(x, labels)[~measured]]
    shares = pd.DataFrame(votes.shares[operator]).add_prefix("cluster_").astype(float).round(6)
    # a row for each cell, synthetic ones without votes
    per_cell = {"shares": shares.reindex(range(len(x)))}
    return Clustering(labels, confidence, x, tables={"members": votes.members}, per_cell=per_cell)
