"""The terms of the spClust objective (Eq. 9-11, 14-16), without n x n memory.

Every pairwise term reduces to a weighted sum of row-wise log-sum-exps of an inner-product
matrix ``a @ b.T`` (:mod:`spclust.nn.pairwise`), minus a term that is linear in a few of its
entries. With all rows the terms are exact; with a random sample of rows, the ``anchors``, they
are unbiased estimates that cost O(anchors * n).
"""

import torch
from torch import Tensor

from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.pairwise import Blocks, row_logsumexp, softplus_sum


class _EdgeSum(torch.autograd.Function):
    """sum over edges of weight_ij * z_i . z_j, without a product of rows per edge."""

    @staticmethod
    def forward(ctx, z, graph, weight):
        out = graph.sums(weight, z)
        ctx.save_for_backward(out + graph.sums(weight[graph.reverse], z))
        return (z * out).sum()

    @staticmethod
    def backward(ctx, upstream):
        (grad,) = ctx.saved_tensors
        return grad * upstream, None, None


def info_nce(
    h1: Tensor,
    h2: Tensor,
    temperature: float,
    include_positive: bool = False,
    anchors: Tensor | None = None,
    blocks: Blocks | None = None,
) -> Tensor:
    """Symmetric cross-view contrastive loss, Eq. 9 and 10, averaged over cells.

    Each cell's two views attract, the other view of all other cells repels. Eq. 10 as printed
    has no logarithm, which would push the views apart; the usual ``-log`` is taken. As
    printed, the positive pair is left out of the denominator.

    Parameters
    ----------
    h1, h2 : Tensor, shape (n, d)
        Projected views with rows of unit length.
    temperature : float
        tau > 0.
    include_positive : bool
        Keep the positive pair in the denominator (SimCLR, GRACE).
    anchors : Tensor of int64, shape (a,), optional
        Average over these cells, a uniform sample, instead of all; they still repel all cells.
    blocks : Blocks, optional
        Of the training; by default of this call alone.
    """
    if anchors is None:
        anchors = torch.arange(len(h1), device=h1.device)
        rows1, rows2 = h1, h2
    else:
        rows1, rows2 = h1.index_select(0, anchors), h2.index_select(0, anchors)
    weight = h1.new_full((len(anchors),), 1.0 / len(anchors))
    exclude = None if include_positive else anchors
    positive = (rows1 * rows2).sum() / (len(anchors) * temperature)
    forward = row_logsumexp(rows1 / temperature, h2, weight, exclude, blocks)
    backward = row_logsumexp(rows2 / temperature, h1, weight, exclude, blocks)
    return 0.5 * (forward + backward) - positive


def adjacency_cross_entropy(
    z: Tensor,
    graph: Neighbourhoods,
    anchors: Tensor | None = None,
    blocks: Blocks | None = None,
) -> Tensor:
    """Graph reconstruction, Eq. 11, as cross-entropy of a row softmax, averaged over cells.

    Row i of the normalised adjacency, rescaled to sum to one, is the target distribution over
    cells; ``softmax(z_i . z_j)`` is the prediction.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    graph : Neighbourhoods
        With self-loops.
    anchors : Tensor of int64, shape (a,), optional
        Average the log-sum-exps over these cells, a uniform sample, instead of all; the sum
        over edges is exact in either case.
    """
    rows = z if anchors is None else z.index_select(0, anchors)
    weight = z.new_full((len(rows),), 1.0 / len(rows))
    linear = _EdgeSum.apply(z, graph, graph.row_shares) / len(z)
    return row_logsumexp(rows, z, weight, None, blocks) - linear


def adjacency_bce(
    z: Tensor,
    graph: Neighbourhoods,
    anchors: Tensor | None = None,
    blocks: Blocks | None = None,
) -> Tensor:
    """Graph reconstruction, Eq. 11, as elementwise binary cross-entropy, averaged over pairs.

    Kept for studies; on non-negative embeddings it collapses to zero. Entries of L, its rows
    rescaled to sum to one, are soft targets; positive entries are up-weighted by
    ``(n^2 - m) / m`` as is usual for sparse graphs, which Eq. 11 does not say. Arguments
    as in :func:`adjacency_cross_entropy`.
    """
    n, m = len(z), len(graph.weight)
    rows = z if anchors is None else z.index_select(0, anchors)
    up_weight = (n * n - m) / m
    target, source = graph.edge_index
    # the gradient of index_select adds rows in a fixed order, that of z[...] in any
    logits = (z.index_select(0, target) * z.index_select(0, source)).sum(1)
    softplus = torch.nn.functional.softplus
    # y*u*softplus(-s) + (1-y)*softplus(s), with softplus(s) summed over all pairs
    on_edges = graph.row_shares * (up_weight * softplus(-logits) - softplus(logits))
    over_pairs = softplus_sum(rows, z, blocks) * (n / len(rows))
    return (over_pairs + on_edges.sum()) / (n * n)


def soft_modularity(assignment: Tensor, graph: Neighbourhoods) -> Tensor:
    """Modularity of soft labels, the negative of Eq. 14; sparse, O(edges * clusters).

    Parameters
    ----------
    assignment : Tensor, shape (n, c)
        Soft labels M with rows that sum to one.
    graph : Neighbourhoods
        The expression graph with a self-loop of weight one at every cell, as the encoder has
        it; the modularity is that of the graph without them.

    Returns
    -------
    Tensor, scalar in [-1, 1]
    """
    degree = graph.degree - 1
    two_e = degree.sum()
    within = _EdgeSum.apply(assignment, graph, graph.weight) - assignment.square().sum()
    expected = ((degree @ assignment) / two_e).square().sum()
    return within / two_e - expected


def importance_alignment(importance: Tensor, prototypes: Tensor, normalise: bool = True) -> Tensor:
    """Mean squared difference of the Gram matrices of E and P, Eq. 15.

    Parameters
    ----------
    importance : Tensor, shape (c, d)
        Protein importances E.
    prototypes : Tensor, shape (c, d')
        Cluster prototypes P.
    normalise : bool
        Compare cosines. The literal Gram matrices differ by a factor of about d at the start.
    """
    if normalise:
        importance = torch.nn.functional.normalize(importance, dim=1)
        prototypes = torch.nn.functional.normalize(prototypes, dim=1)
    return (importance @ importance.t() - prototypes @ prototypes.t()).square().mean()
