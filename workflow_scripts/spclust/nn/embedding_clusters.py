"""Labels of a finished embedding, as the methods for several modalities find them."""

import torch
from sklearn.decomposition import PCA

from spclust.clustering import heads

PCA_COMPONENTS = 20


def components_of(z, seed):
    """The first 20 principal components, the widest of spread one.

    Parameters
    ----------
    z : array, shape (n, d)
    seed : int

    Returns
    -------
    array, shape (n, min(20, n, d))
    """
    count = min(PCA_COMPONENTS, *z.shape)
    reduced = PCA(count, random_state=seed).fit_transform(z)
    # the mixture's least variance is meant for features of that scale
    return reduced / max(float(reduced[:, 0].std()), 1e-12)


def mixture(x, n_clusters, seed):
    """A mixture with one covariance (mclust's EEE), started like it from a hierarchy (Ward)."""
    return heads.tied_mixture(x, heads.ward(x, n_clusters, seed))


LABELS = {"mixture": mixture, "kmeans": heads.kmeans}


def labelled(z, task):
    """What embeddings say of cells; confidence is the neighbours' agreement.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    task : spclust.methods.task.Task
        Its setting ``labels`` names one of ``LABELS``.

    Returns
    -------
    dict
        ``labels``, ``confidence`` and ``embedding``, whose rows have unit length.
    """
    z = torch.nn.functional.normalize(z, dim=1).cpu().numpy()
    reduced = components_of(z, task.seed)
    labels = LABELS[task.settings["labels"]](reduced, task.n_clusters, task.seed)
    confidence = heads.neighbour_agreement(reduced, labels)
    return {"labels": labels, "confidence": confidence, "embedding": z}
