"""Cluster prototypes and how they follow the cells (Algorithm 1, lines 6 and 14)."""

import numpy as np
from sklearn.cluster import KMeans

from spclust.clustering.matching import match_labels

# twenty starts on more cells than this would take longer than the training of a large slice
START_CELLS = 100_000


def class_means(x, labels, n_clusters):
    """Mean row of each class; an empty class gets the row farthest from the overall mean."""
    counts = np.bincount(labels, minlength=n_clusters)
    sums = np.zeros((n_clusters, x.shape[1]), dtype=np.float64)
    np.add.at(sums, labels, x)
    farthest = x[np.argmax(((x - x.mean(0)) ** 2).sum(1))]
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], farthest)
    return means.astype(x.dtype)


def initial_clusters(x, pseudolabels, n_clusters, seed):
    """KMeans on ``x`` with ids matched to the pseudo-labels.

    Centres are sought on a sample where there are more than 100,000 cells.

    Returns
    -------
    array of int, shape (n,)
    """
    sample = x
    if len(x) > START_CELLS:
        rows = np.random.default_rng(seed).choice(len(x), START_CELLS, replace=False)
        sample = x[np.sort(rows)]
    labels = KMeans(n_clusters, n_init=20, random_state=seed).fit(sample).predict(x)
    return match_labels(labels, pseudolabels, n_clusters)[labels]


def due(epoch, settings):
    """Whether prototypes or labels are updated after an epoch of training."""
    every = settings["refresh_every"]
    if settings["refresh"] == "none":
        return False
    return epoch == settings["epochs"] if every == "end" else epoch % every == 0


def update(x, prototypes, labels, seed, settings):
    """New prototypes and labels, by the settings ``refresh``, ``refreshed`` and ``momentum``.

    Parameters
    ----------
    x : array, shape (n, d)
    prototypes : array, shape (n_clusters, d)
    labels : array of int, shape (n,)
    seed : int
    settings : dict

    Returns
    -------
    (array (n_clusters, d), array of int (n,))
        What is not updated is the array given.
    """
    if settings["refresh"] == "moving_average":
        centres, new_labels = moving_average(x, prototypes, settings["momentum"])
    else:
        centres, new_labels = refresh(x, prototypes, labels, seed)
    kept = settings["refreshed"]
    return (
        prototypes if kept == "labels" else centres,
        labels if kept == "prototypes" else new_labels,
    )


def moving_average(x, prototypes, momentum):
    """Labels by the prototypes of largest cosine, as in Eq. 17, and prototypes that follow them.

    ``P_c <- momentum * P_c + (1 - momentum) * mean of the cells of c``; one without cells stays.
    Ids are kept as they are.

    Parameters
    ----------
    x : array, shape (n, d)
        Rows of unit length.
    prototypes : array, shape (n_clusters, d)
    momentum : float
        In [0, 1].

    Returns
    -------
    (array (n_clusters, d), array of int (n,))
    """
    length = np.linalg.norm(prototypes, axis=1, keepdims=True)
    labels = (x @ (prototypes / np.maximum(length, 1e-12)).T).argmax(1)
    occupied = np.bincount(labels, minlength=len(prototypes))[:, None] > 0
    means = class_means(x, labels, len(prototypes))
    followed = momentum * prototypes + (1 - momentum) * means
    return np.where(occupied, followed, prototypes).astype(prototypes.dtype), labels


def refresh(x, prototypes, labels, seed):
    """KMeans on ``x`` started from the current prototypes, ids matched to the current labels.

    Parameters
    ----------
    x : array, shape (n, d)
    prototypes : array, shape (n_clusters, d)
    labels : array of int, shape (n,)
        Current labels; rows of the importance matrix E belong to these ids.

    Returns
    -------
    (array (n_clusters, d), array of int (n,))
        New centres and labels. scikit-learn moves an emptied centre to the farthest cell.
    """
    n_clusters = len(prototypes)
    model = KMeans(n_clusters, init=prototypes, n_init=1, random_state=seed).fit(x)
    new_id = match_labels(model.labels_, labels, n_clusters)
    centres = np.empty_like(model.cluster_centers_)
    centres[new_id] = model.cluster_centers_
    return centres, new_id[model.labels_]
