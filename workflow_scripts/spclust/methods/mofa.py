"""MOFA+ (Argelaguet et al. 2020) by its package: factors shared by modalities, then clusters.

Gaussian likelihoods on the prepared features, each modality scaled to unit variance as a whole,
spike-and-slab and automatic relevance of the weights, as the package has it. It knows no places.
"""

import io
import logging
from contextlib import redirect_stdout

import numpy as np

from spclust.clustering import heads
from spclust.errors import UserError
from spclust.methods.task import Clustering

log = logging.getLogger(__name__)


def factors(views, n_factors, iterations, seed):
    """Factors of all modalities, and the share of variance that each explains in each.

    Parameters
    ----------
    views : dict of str to array, shape (n, d)
    n_factors, iterations, seed : int

    Returns
    -------
    array, shape (n, factors)
    array, shape (modalities, factors)
        In percent.
    """
    from mofapy2.run.entry_point import entry_point

    before = np.random.get_state()
    with redirect_stdout(io.StringIO()):
        entry = entry_point()
        entry.set_data_options(scale_views=True)
        data = [[x.astype(np.float64)] for x in views.values()]
        entry.set_data_matrix(data, ["gaussian"] * len(views), views_names=list(views))
        entry.set_model_options(
            factors=n_factors, spikeslab_weights=True, ard_factors=False, ard_weights=True
        )
        entry.set_train_options(
            iter=iterations, convergence_mode="fast", seed=seed, quiet=True, verbose=False
        )
        entry.build()
        entry.run()
    np.random.set_state(before)
    explained = np.asarray(entry.model.calculate_variance_explained()[0])
    return np.asarray(entry.model.nodes["Z"].getExpectation()), explained


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement.

    Raises
    ------
    UserError
        When the factors are not numbers.
    """
    s, views = task.settings, task.cells.features
    n_factors = min(s["n_factors"], sum(x.shape[1] for x in views.values()))
    z, explained = factors(views, n_factors, s["iterations"], task.seed % 2**31)
    for view, shares in zip(views, explained):
        log.info("%s: %.1f %% of variance in %d factors", view, shares.sum(), z.shape[1])
    if not np.isfinite(z).all():
        raise UserError(f"the factors are not numbers; lower {task.key('n_factors')}")
    z = z.astype(np.float32)
    if s["labels"] == "leiden":
        groups = np.zeros(len(z))
        labels = heads.leiden(z, groups, task.n_clusters, s["n_neighbors"], task.seed)
    else:
        labels = heads.kmeans(z, task.n_clusters, task.seed)
    return Clustering(labels, heads.neighbour_agreement(z, labels), z)
