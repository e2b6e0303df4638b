"""BANKSY for cell types (Singhal et al. 2024): a cell's features beside those around it.

Beside the features stand their weighted mean over the nearest cells, and the size of their
gradient there (azimuthal Gabor filter), each block scaled to unit variance; their weights are
``1 - lambda``, ``2 lambda / 3`` and ``lambda / 3``, which enter squared distances as they are and
the blocks by their roots. A small lambda (0.2) finds types of cells, a large one (0.8) domains. Of
principal components of all three Leiden on the shared-neighbour graph makes the clusters. Written
from the paper.
"""

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import PCA

from spclust.clustering import heads
from spclust.data import requirements
from spclust.methods.task import Clustering
from spclust.neighbours.expression import shared_neighbours
from spclust.neighbours.knn import neighbours_within


def kernel(coordinates, images, n_neighbors, wave):
    """Weights of the nearest cells, ``exp(-(d / s)^2)`` times ``exp(i wave phi)``.

    s is the median distance of a cell's neighbours, phi the direction in which one lies; absolute
    weights of a cell sum to one.

    Parameters
    ----------
    coordinates : array, shape (n, 2)
    images : array, shape (n,)
        No neighbour is of another image.
    n_neighbors, wave : int

    Returns
    -------
    csr_matrix, shape (n, n)
        Complex where ``wave`` is not 0; the rows of cells alone in their image are empty.
    """
    rows, columns, weights = [], [], []
    for cells, near in neighbours_within(coordinates, images, n_neighbors):
        gap = coordinates[near] - coordinates[cells][:, None]
        distance = np.linalg.norm(gap, axis=2)
        scale = np.median(distance, axis=1, keepdims=True)
        # cells at one point weigh alike
        decay = np.exp(-((distance / np.where(scale > 0, scale, 1)) ** 2))
        decay /= decay.sum(axis=1, keepdims=True)
        if wave:
            decay = decay * np.exp(1j * wave * np.arctan2(gap[..., 1], gap[..., 0]))
        rows.append(np.repeat(cells, near.shape[1]))
        columns.append(near.ravel())
        weights.append(decay.ravel())
    shape = (len(coordinates),) * 2
    if not rows:
        return sp.csr_matrix(shape)
    return sp.csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape
    )


def surroundings(x, coordinates, images, n_neighbors):
    """Mean of the features around each cell, and the size of their gradient.

    The gradient is ``|sum_j w_ij (x_j - mean_i) exp(i phi_ij)|`` over twice as many cells, with
    ``mean_i`` their weighted mean.

    Returns
    -------
    mean, gradient : array, shape (n, d)
        Zero for cells alone in their image.
    """
    mean = kernel(coordinates, images, n_neighbors, 0) @ x
    waves = kernel(coordinates, images, 2 * n_neighbors, 1)
    local = abs(waves) @ x
    turned = np.asarray(waves.sum(axis=1)) * local
    return mean, np.abs(waves @ x - turned)


def blocks(x, coordinates, images, n_neighbors, share):
    """The three blocks side by side, weighted; shape (n, 3 d)."""
    around = surroundings(x, coordinates, images, n_neighbors)
    shares = (1 - share, 2 * share / 3, share / 3)
    parts = []
    for block, weight in zip((x, *around), shares):
        spread = block.std(axis=0)
        parts.append(np.sqrt(weight) * (block - block.mean(axis=0)) / np.where(spread, spread, 1))
    return np.hstack(parts)


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    requirements.places(task)
    s, cells = task.settings, task.cells
    places = cells.coordinates.astype(np.float64)
    x = blocks(
        cells.matrix.astype(np.float64), places, cells.image, s["spatial_n_neighbors"], s["share"]
    )
    z = PCA(min(s["pca_components"], *x.shape), random_state=task.seed).fit_transform(x)
    z = z.astype(np.float32)
    weights = shared_neighbours(z, np.zeros(len(z)), s["n_neighbors"], task.seed)
    labels = heads.leiden_of_graph(weights, z, task.n_clusters, task.seed)
    return Clustering(labels, heads.neighbour_agreement(z, labels), z)
