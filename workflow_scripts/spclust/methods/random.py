"""Control: labels drawn at random. What any method must beat."""

import numpy as np

from spclust.methods import Clustering, original_rows, proteins_and_images


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`."""
    rows = original_rows(cells)
    labels = np.random.default_rng(seed).integers(n_clusters, size=len(rows))
    confidence = np.full(len(rows), 1 / n_clusters)
    return Clustering(labels, confidence, proteins_and_images(cells)[0][rows])
