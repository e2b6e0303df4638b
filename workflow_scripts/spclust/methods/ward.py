"""Ward's hierarchical clustering on the proteins."""

from spclust.methods import from_all_rows, proteins_and_images
from spclust.parts import heads


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    x, images = proteins_and_images(cells)
    labels = heads.ward(x, n_clusters, seed)
    return from_all_rows(cells, labels, heads.neighbour_agreement(x, images, labels))
