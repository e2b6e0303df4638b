"""PhenoGraph (Levine et al. 2015): communities of cells that share nearest neighbours.

The authors run Louvain, whose number of clusters is what it is; here Leiden with the resolution
searched for the asked number. 30 neighbours as theirs.
"""

from spclust.methods import from_all_rows, proteins_and_images
from spclust.parts import heads
from spclust.parts.graphs import shared_neighbours


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    x, images = proteins_and_images(cells)
    weights = shared_neighbours(x, images, settings["n_neighbors"])
    labels = heads.leiden_of_graph(weights, x, images, n_clusters, seed)
    return from_all_rows(cells, labels, heads.neighbour_agreement(x, images, labels))
