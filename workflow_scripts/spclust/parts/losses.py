"""The terms of the spClust objective (Eq. 9-11, 14-16), exact and without n x n memory.

Every pairwise term reduces to a weighted sum of row-wise log-sum-exps of an inner-product
matrix ``a @ b.T``, minus a term that is linear in a few of its entries. The log-sum-exp is
computed row block by row block, its gradient in the same pass while the block is in the
cache, so memory is O(block * n) and nothing is sampled.
"""

import torch
from torch import Tensor

# Entries of one block of logits; 4 MB of float32 stays in the second- and third-level
# caches of the CPUs we measured and is still large enough for efficient matrix products.
BLOCK_ENTRIES = 1 << 20


class _WeightedRowLogSumExp(torch.autograd.Function):
    """sum_i weight_i * log sum_j exp(a_i . b_j), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, a, b, weight, exclude_diagonal, block_entries):
        n = a.shape[0]
        rows = max(1, min(n, block_entries // b.shape[0]))
        needs_a, needs_b = ctx.needs_input_grad[:2]
        grad_a = torch.empty_like(a) if needs_a else None
        grad_b = torch.zeros_like(b) if needs_b else None
        total = torch.zeros((), dtype=torch.float64, device=_float64_device(a))
        buffer = a.new_empty(rows, b.shape[0])
        for start in range(0, n, rows):
            stop = min(start + rows, n)
            block = torch.mm(a[start:stop], b.t(), out=buffer[: stop - start])
            if exclude_diagonal:
                block.diagonal(start).fill_(-torch.inf)
            top = block.amax(dim=1, keepdim=True)
            block.sub_(top).exp_()
            row_sum = block.sum(dim=1, keepdim=True)
            w = weight[start:stop]
            total += ((top + row_sum.log()).squeeze(1) * w).sum().to(total)
            scale = w.unsqueeze(1) / row_sum
            if needs_a:
                torch.mm(block, b, out=grad_a[start:stop])
                grad_a[start:stop] *= scale
            if needs_b:
                grad_b.addmm_(block.t(), a[start:stop] * scale)
        ctx.save_for_backward(grad_a, grad_b)
        return total.to(device=a.device, dtype=a.dtype)

    @staticmethod
    def backward(ctx, upstream):
        grad_a, grad_b = ctx.saved_tensors
        return (
            None if grad_a is None else grad_a * upstream,
            None if grad_b is None else grad_b * upstream,
            None,
            None,
            None,
        )


class _WeightedSoftplusSum(torch.autograd.Function):
    """sum_ij log(1 + exp(z_i . z_j)), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, z, block_entries):
        n = z.shape[0]
        rows = max(1, min(n, block_entries // n))
        grad = torch.empty_like(z)
        total = torch.zeros((), dtype=torch.float64, device=_float64_device(z))
        for start in range(0, n, rows):
            logits = z[start : start + rows] @ z.t()
            total += torch.nn.functional.softplus(logits).sum().to(total)
            # the logits are symmetric, so rows and columns contribute alike
            torch.mm(logits.sigmoid_(), z, out=grad[start : start + rows])
        ctx.save_for_backward(grad)
        return total.to(device=z.device, dtype=z.dtype)

    @staticmethod
    def backward(ctx, upstream):
        (grad,) = ctx.saved_tensors
        return 2.0 * grad * upstream, None


def _float64_device(tensor: Tensor) -> torch.device:
    """Where sums are kept in double precision: Apple's GPUs have none, so there the CPU."""
    return torch.device("cpu") if tensor.device.type == "mps" else tensor.device


def row_logsumexp(
    a: Tensor,
    b: Tensor,
    weight: Tensor,
    exclude_diagonal: bool = False,
    block_entries: int = BLOCK_ENTRIES,
) -> Tensor:
    """Weighted sum over rows of the log-sum-exp of ``a @ b.T``.

    Parameters
    ----------
    a : Tensor, shape (n, d)
    b : Tensor, shape (m, d)
    weight : Tensor, shape (n,)
        Constant weights (no gradient flows into them).
    exclude_diagonal : bool
        Leave entry (i, i) out of row i (needs n == m).
    block_entries : int
        Entries of the logit matrix held at once.

    Returns
    -------
    Tensor, scalar
    """
    return _WeightedRowLogSumExp.apply(a, b, weight, exclude_diagonal, block_entries)


def edge_products(z: Tensor, edge_index: Tensor) -> Tensor:
    """Inner products z_i . z_j of the rows that each edge joins, shape (m,)."""
    # the gradient of index_select adds rows in a fixed order, that of z[...] in any
    return (z.index_select(0, edge_index[0]) * z.index_select(0, edge_index[1])).sum(1)


def info_nce(
    h1: Tensor,
    h2: Tensor,
    temperature: float,
    include_positive: bool = False,
    block_entries: int = BLOCK_ENTRIES,
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
    """
    n = h1.shape[0]
    weight = h1.new_full((n,), 1.0 / n)
    positive = (h1 * h2).sum() / (n * temperature)
    forward = row_logsumexp(h1 / temperature, h2, weight, not include_positive, block_entries)
    backward = row_logsumexp(h2 / temperature, h1, weight, not include_positive, block_entries)
    return 0.5 * (forward + backward) - positive


def adjacency_cross_entropy(
    z: Tensor, edge_index: Tensor, edge_weight: Tensor, block_entries: int = BLOCK_ENTRIES
) -> Tensor:
    """Graph reconstruction, Eq. 11, as cross-entropy of a row softmax, averaged over cells.

    Row i of the normalised adjacency, rescaled to sum to one, is the target distribution over
    cells; ``softmax(z_i . z_j)`` is the prediction.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    edge_index : Tensor, shape (2, m), int64
        Target cell (row) and source cell (column) of each entry of L.
    edge_weight : Tensor, shape (m,)
        Entries of ``L = D^-1/2 A D^-1/2`` with rows rescaled to sum to one.
    """
    n = z.shape[0]
    weight = z.new_full((n,), 1.0 / n)
    linear = (edge_products(z, edge_index) * edge_weight).sum() / n
    return row_logsumexp(z, z, weight, False, block_entries) - linear


def adjacency_bce(
    z: Tensor, edge_index: Tensor, edge_weight: Tensor, block_entries: int = BLOCK_ENTRIES
) -> Tensor:
    """Graph reconstruction, Eq. 11, as elementwise binary cross-entropy, averaged over pairs.

    Kept for studies; on non-negative embeddings it collapses to zero. Entries of L are soft
    targets; positive entries are up-weighted by ``(n^2 - m) / m`` as is usual for sparse
    graphs. Arguments as in :func:`adjacency_cross_entropy`.
    """
    n, m = z.shape[0], edge_weight.shape[0]
    up_weight = (n * n - m) / m
    logits = edge_products(z, edge_index)
    softplus = torch.nn.functional.softplus
    # y*u*softplus(-s) + (1-y)*softplus(s), with softplus(s) summed over all pairs
    on_edges = edge_weight * (up_weight * softplus(-logits) - softplus(logits))
    return (_WeightedSoftplusSum.apply(z, block_entries) + on_edges.sum()) / (n * n)


def soft_modularity(assignment: Tensor, edge_index: Tensor, degree: Tensor) -> Tensor:
    """Modularity of soft labels, the negative of Eq. 14; sparse, O(edges * clusters).

    Parameters
    ----------
    assignment : Tensor, shape (n, c)
        Soft labels M with rows that sum to one.
    edge_index : Tensor, shape (2, m), int64
        Both directions of every edge of the expression graph, no self-loops (m = 2|E|).
    degree : Tensor, shape (n,)

    Returns
    -------
    Tensor, scalar in [-1, 1]
    """
    two_e = edge_index.shape[1]
    within = edge_products(assignment, edge_index).sum() / two_e
    expected = ((degree @ assignment) / two_e).square().sum()
    return within - expected


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
