"""Leiden on the kNN graph of the proteins, resolution searched for the asked number."""

from spclust.methods import from_all_rows, proteins_and_images
from spclust.parts import heads


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    x, images = proteins_and_images(cells)
    labels = heads.leiden(x, images, n_clusters, settings["n_neighbors"], seed)
    return from_all_rows(cells, labels, heads.neighbour_agreement(x, images, labels))
