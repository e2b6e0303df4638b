"""What the pool of the stage ``votes`` agrees on."""

import pandas as pd

from spclust.methods import Clustering


def cluster(task):
    """See :func:`spclust.methods.cluster`; confidence is the share of the votes."""
    votes, operator = task.votes, task.settings["operator"]
    shares = pd.DataFrame(votes.shares[operator]).add_prefix("cluster_").astype(float).round(6)
    return Clustering(
        votes.labels[operator],
        votes.confidence(operator),
        task.cells.matrix,
        tables={"members": votes.members},
        per_cell={"shares": shares},
    )
