"""Leiden on the kNN graph of the proteins, resolution searched for the asked number."""

from spclust.methods import proteins_and_images, with_neighbour_agreement
from spclust.parts import heads


def cluster(cells, n_clusters, seed, settings):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    x, images = proteins_and_images(cells)
    labels = heads.leiden(x, images, n_clusters, settings["n_neighbors"], seed)
    return with_neighbour_agreement(cells, labels)
