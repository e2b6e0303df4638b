"""What scimap's users do (Nirmal et al. 2024): rescale each protein about its gate, then Leiden.

A mixture of two Gaussians on the logarithm finds each protein's gate, the middle of both means;
values below it are spread over 0 to 0.5, those above over 0.5 to 1, so that positive and negative
cells of every protein are equally far apart. Gates, percentiles and shares are those of scimap in
2020; the card asks for their logarithms.
"""

import logging

import numpy as np
from sklearn.mixture import GaussianMixture

from spclust.clustering import heads
from spclust.methods.task import Clustering

log = logging.getLogger(__name__)

CLIP = (1, 99)  # percentiles
GATE = 0.5


def gated(values, seed):
    """One feature with its gate at 0.5, its percentiles 1 and 99 at 0 and 1.

    Parameters
    ----------
    values : array, shape (n,)
    seed : int

    Returns
    -------
    array of float, shape (n,)
        Zero where the feature does not vary.
    """
    values = np.clip(values, *np.percentile(values, CLIP)).astype(np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return np.zeros(len(values))
    mixture = GaussianMixture(2, random_state=seed)
    gate = mixture.fit(((values - low) / (high - low))[:, None]).means_.mean()
    return np.interp((values - low) / (high - low), [0, gate, 1], [0, GATE, 1])


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    x = np.column_stack([gated(column, task.seed) for column in task.cells.matrix.T])
    x = x.astype(np.float32)
    log.info("%.1f %% of all values above their gate", 100 * (x > GATE).mean())
    groups = np.zeros(len(x))
    labels = heads.leiden(x, groups, task.n_clusters, task.settings["n_neighbors"], task.seed)
    return Clustering(labels, heads.neighbour_agreement(x, labels), x)
