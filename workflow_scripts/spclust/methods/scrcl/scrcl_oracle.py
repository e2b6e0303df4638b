"""Control: scRCL at the epoch that agrees best with the reference labels.

So its authors report it, who choose by ARI on tissue and by NMI on dissociated cells; here it is
ARI for both. No one who has no labels can choose so: the difference to ``scrcl`` says how much the
choice flatters, and this row is never ranked.
"""

import logging

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from spclust.clustering import heads
from spclust.errors import UserError
from spclust.methods.scrcl import scrcl
from spclust.methods.task import Clustering

log = logging.getLogger(__name__)

EVERY = 10  # epochs between two looks at the labels; the authors look after each


def cluster(task):
    """See :func:`.running.cluster`; raises UserError on a slice without labels."""
    reference, last = task.reference, task.settings["epochs"]
    if reference is None or reference.isna().all():
        raise UserError(
            f"method {task.name} picks an epoch by reference labels, and this dataset has none; "
            "name their column in the dataset's key `label`, or leave the run out"
        )
    scored = reference.notna().to_numpy()
    truth = reference.to_numpy()[scored]

    def look(state, epoch, refined):
        if epoch % EVERY and epoch != last:
            return
        z = refined()
        labels = heads.kmeans(z, task.n_clusters, task.seed)
        score = adjusted_rand_score(truth, labels[scored])
        state.history[-1]["ARI"] = score
        if not state.arrays or score > state.arrays["best"][0]:
            best = np.array([score, epoch])
            state.arrays = {"best": best, "labels": labels, "embedding": z}

    _, state, cost = scrcl.embedded(task, look)
    (score, epoch), labels, z = (state.arrays[name] for name in ("best", "labels", "embedding"))
    log.info("epoch %d agrees best with the labels, ARI %.4f", epoch, score)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels),
        z,
        tables={"history": pd.DataFrame(state.history)},
        cost=cost,
    )
