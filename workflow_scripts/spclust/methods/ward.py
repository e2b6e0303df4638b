"""Ward's hierarchical clustering on the proteins."""

from spclust.methods import proteins_and_images, with_neighbour_agreement
from spclust.parts import heads


def cluster(cells, n_clusters, seed, settings):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    x, _ = proteins_and_images(cells)
    labels = heads.ward(x, n_clusters)
    return with_neighbour_agreement(cells, labels)
