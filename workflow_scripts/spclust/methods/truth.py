"""Control: the reference labels themselves. What no method can beat."""

import numpy as np

from spclust import pseudolabels
from spclust.methods import Clustering, original_rows, proteins_and_images


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; raises UserError on a slice without labels."""
    rows = original_rows(cells)
    x = proteins_and_images(cells)[0][rows]
    labels = pseudolabels.truth(cells[rows], x)
    return Clustering(labels, np.ones(len(rows)), x)
