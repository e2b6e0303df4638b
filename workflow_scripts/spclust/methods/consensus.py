"""What the pool of the stage ``votes`` agrees on."""

import pandas as pd

from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the share of the votes.

    What the vote took is what this method takes.
    """
    votes, operator = task.votes, task.settings["operator"]
    shares = pd.DataFrame(votes.shares[operator]).add_prefix("cluster_").astype(float).round(6)
    return Clustering(
        votes.labels[operator],
        votes.confidence(operator),
        task.cells.matrix,
        tables={"members": votes.members},
        per_cell={"shares": shares},
        cost={
            "seconds_before": votes.cost.get("seconds", 0.0),
            "memory_before": votes.cost.get("peak_memory_mb", 0.0),
        },
    )
