"""Expression graphs: nearest neighbours in a space, plain or weighted.

Apart from the graphs of places, since scanpy's weights make every job that imports this slow.
"""

import numpy as np
import scipy.sparse as sp

from spclust.parts.graphs import EXACT_CELLS, joined, knn_graph, members, neighbours_within

# rows whose neighbour lists are compared at once, 80 MB with 30 neighbours
JACCARD_ROWS = 10_000


def neighbour_weights(x, groups, n_neighbors, seed):
    """kNN graph within groups with UMAP's connectivities as weights, as scanpy makes it.

    Groups of fewer than three cells have no edges.

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric.
    """
    import anndata
    import scanpy as sc

    def block(cells):
        part = anndata.AnnData(x[cells])
        k, transformer = min(n_neighbors, len(cells) - 1), "sklearn"
        if len(cells) > EXACT_CELLS:  # as in `nearest`
            from pynndescent import PyNNDescentTransformer

            transformer = PyNNDescentTransformer(n_neighbors=k, random_state=seed, n_jobs=1)
        sc.pp.neighbors(
            part, n_neighbors=k, use_rep="X", transformer=transformer, random_state=seed
        )
        return part.obsp["connectivities"]

    return joined(((cells, block(cells)) for cells in members(groups) if len(cells) > 2), len(x))


def shared_neighbours(x, groups, n_neighbors, seed=0):
    """Graph of nearest neighbours weighted by the Jaccard index of their neighbour lists.

    Parameters
    ----------
    x : array, shape (n, d)
    groups : array, shape (n,)
        No edge joins two of them.
    n_neighbors, seed : int

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric, the mean of both directions; pairs that share no neighbour have no edge.
    """

    def block(cells, neighbours):
        k, n = neighbours.shape[1], len(cells)
        # positions within the group
        columns = np.searchsorted(cells, neighbours.ravel())
        lists = sp.csr_matrix(
            (np.ones(n * k, dtype=np.float32), columns, np.arange(0, n * k + 1, k)), (n, n)
        )
        by_neighbour, jaccard = lists.T.tocsr(), []
        for start in range(0, n, JACCARD_ROWS):
            part = lists[start : start + JACCARD_ROWS]
            shared = (part @ by_neighbour).multiply(part).tocsr()
            shared.data /= 2 * k - shared.data
            jaccard.append(shared)
        jaccard = sp.vstack(jaccard)
        return (jaccard + jaccard.T) / 2

    found = neighbours_within(x, groups, n_neighbors, seed)
    return joined(((cells, block(cells, neighbours)) for cells, neighbours in found), len(x))


# the graph of each value of the setting `expression_weights`; all take the same arguments
EXPRESSION_GRAPHS = {
    "binary": knn_graph,
    "umap": neighbour_weights,
    "jaccard": shared_neighbours,
}
