"""FlowSOM (Van Gassen et al. 2015) by its Python package: a self-organising map, metaclustered.

The map's nodes are joined to the asked number by consensus of hierarchical clusterings of
resampled nodes. The package draws from NumPy's global generator, which it seeds itself.
"""

import numpy as np

from spclust.clustering import heads
from spclust.errors import UserError
from spclust.methods.task import Clustering


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement.

    Raises
    ------
    UserError
        When there are fewer cells than nodes, or fewer nodes than clusters.
    """
    from flowsom.models import FlowSOMEstimator

    s, x, nodes = task.settings, task.cells.matrix, task.settings["side"] ** 2
    if not task.n_clusters <= nodes <= len(x):
        raise UserError(
            f"a map of {nodes} nodes cannot stand between {len(x)} cells and {task.n_clusters} "
            f"clusters; change {task.key('side')}, the nodes along a side"
        )
    if task.n_clusters == 1:
        labels = np.zeros(len(x), dtype=np.int64)
    else:
        before = np.random.get_state()
        model = FlowSOMEstimator(
            n_clusters=task.n_clusters,
            xdim=s["side"],
            ydim=s["side"],
            rlen=s["passes"],
            seed=task.seed,
        )
        labels = heads.ordered_by_size(model.fit_predict(x.astype(np.float64)))
        np.random.set_state(before)
    return Clustering(labels, heads.neighbour_agreement(x, labels), x)
