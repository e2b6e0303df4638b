"""Divergences between the distributions that two views make of cells, over all pairs in O(n d).

With p = softmax(u) and q = softmax(v), the symmetric Kullback-Leibler divergence KL(p|q) + KL(q|p)
is the inner product of p - q and u - v: the logarithms' constants drop out, since p and q have
equal sums. So the sum over all cells j of the divergence between cell i and j is a product with
sums over cells, and that over neighbours one with sums over neighbours; no matrix of n x n.
"""

from torch import Tensor

from spclust.nn.neighbourhoods import Neighbourhoods


def distribution_alignment(e1: Tensor, e2: Tensor, temperature: float) -> Tensor:
    """Symmetric divergence of two views as wholes, and half of that of each cell, averaged.

    The heterogeneous alignment of scRCL (Eq. 3), weighted as its authors' code has it. Of the
    whole, all entries of a view are one distribution.

    Parameters
    ----------
    e1, e2 : Tensor, shape (n, d)
    temperature : float
    """
    u, v = e1 / temperature, e2 / temperature
    whole = u.flatten().softmax(0) - v.flatten().softmax(0)
    of_cells = u.softmax(1) - v.softmax(1)
    return (whole * (u - v).flatten()).sum() + 0.5 * (of_cells * (u - v)).sum() / len(u)


def neighbourhood_contrast(
    e1: Tensor, e2: Tensor, graph: Neighbourhoods, temperature: float
) -> Tensor:
    """Mean divergence of a cell from its neighbours over that from all other cells, averaged.

    The neighbourhood-guided contrast of scRCL (Eq. 4 and 5): a cell of the first view against
    cells of the second, itself counted among the neighbours and not among the others.

    Parameters
    ----------
    e1, e2 : Tensor, shape (n, d)
    graph : Neighbourhoods
        Symmetric and binary, with self-loops.
    temperature : float
    """
    u, v = e1 / temperature, e2 / temperature
    p, q = u.softmax(1), v.softmax(1)
    own, other = (p * u).sum(1), (q * v).sum(1)
    near = graph.degree * own + graph.total(other.unsqueeze(1)).squeeze(1)
    near = near - (p * graph.total(v)).sum(1) - (u * graph.total(q)).sum(1)
    everywhere = len(u) * own + other.sum() - p @ v.sum(0) - u @ q.sum(0)
    beyond = everywhere - ((p - q) * (u - v)).sum(1)
    return ((near / graph.degree) / (beyond / (len(u) - 1))).mean()
