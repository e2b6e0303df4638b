"""The terms of the spClust objective (Eq. 9-11, 14-16), without n x n memory.

Every pairwise term reduces to a weighted sum of row-wise log-sum-exps of an inner-product
matrix ``a @ b.T``, minus a term that is linear in a few of its entries. The log-sum-exp is
computed row block by row block, its gradient in the same pass while the block is in the
cache, so memory is O(block * n). With all rows the terms are exact; with a random sample of
rows, the ``anchors``, they are unbiased estimates that cost O(anchors * n).

Per pair the exact pass takes three products of the width of ``a``, one exponential and one
sum. Two savings that look possible are none: both directions of InfoNCE from one block need
the column sums before the block is dropped, hence a second pass over it, and a symmetric
matrix visited by halves needs its row sums in the same way. Plain torch was chosen over
KeOps (compiles at the user's machine), Triton (GPU only) and torch's attention kernels (their
log-sum-exp cannot leave out the diagonal, and on a CPU they took four times as long).
"""

import logging

import torch
from torch import Tensor

from spclust.parts.neighbourhoods import Neighbourhoods, neighbour_sums

log = logging.getLogger(__name__)

# Entries of one block of logits. 4 MB of float32 stays in the caches of a CPU and is still
# large enough for efficient products, 32 MB does the same for a data-centre GPU.
BLOCK_ENTRIES = {"cpu": 1 << 20, "cuda": 1 << 23, "mps": 1 << 22}
SMALLEST_BLOCK = 1 << 14

# exp(-60) times a weight and an embedding is still a normal float32 (smaller numbers make all
# arithmetic ten times slower), and nothing beside exp(-30), the least that the largest term of a
# row may be shifted to.
SMALLEST_EXPONENT = -60.0


def _in_blocks(accumulate, a, b, block_entries):
    """Run ``accumulate(rows)`` with as many rows as fit; fewer when the memory does not last."""
    kind = a.device.type
    entries = block_entries or BLOCK_ENTRIES[kind]
    while True:
        try:
            return accumulate(max(1, min(len(a), entries // len(b))))
        except torch.OutOfMemoryError:
            if entries <= SMALLEST_BLOCK:
                raise
            entries //= 2
            log.warning(
                "out of memory on the %s device: blocks of %d entries from here on", kind, entries
            )
            BLOCK_ENTRIES[kind] = entries
            if kind == "cuda":
                torch.cuda.empty_cache()


class _WeightedRowLogSumExp(torch.autograd.Function):
    """sum_i weight_i * log sum_j exp(a_i . b_j), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, a, b, weight, exclude, block_entries):
        # |a_i| max|b_j| is no less than any logit of row i (Cauchy-Schwarz). As an upper bound
        # it spares looking for the maximum, and as one more column it is subtracted by the
        # product itself; but it must not lie so far above that all exponentials vanish.
        top = a.norm(dim=1) * b.norm(dim=1).max()
        floor = -top if exclude is not None else (a @ b[:: 1 + len(b) // 256].t()).amax(1)
        bounded = bool((floor - top).min() > SMALLEST_EXPONENT / 2)
        clamped = not bounded or bool(-2 * top.max() < SMALLEST_EXPONENT)
        shifted = torch.cat([a, -top.unsqueeze(1)], dim=1) if bounded else a
        columns = torch.cat([b, b.new_ones(len(b), 1)], dim=1) if bounded else b
        columns = columns.t().contiguous()

        def accumulate(rows):
            # each thread of a CPU takes rows of its own, which a batched product divides better
            # among them than it does one product
            groups = min(torch.get_num_threads() if a.device.type == "cpu" else 1, rows)
            rows -= rows % groups
            grad_a = torch.empty_like(a)
            grad_b = a.new_zeros(groups, a.shape[1], len(b))
            total = torch.zeros((), dtype=torch.float64, device=_float64_device(a))
            buffer = a.new_empty(rows * len(b))
            for start in range(0, len(a), rows):
                part = slice(start, min(start + rows, len(a)))
                n = part.stop - start
                g = groups if n == rows else 1
                block = buffer[: n * len(b)].view(g, n // g, len(b))
                torch.bmm(_grouped(shifted[part], g), columns.expand(g, -1, -1), out=block)
                flat = block.view(n, len(b))
                if exclude is not None:
                    flat.scatter_(1, exclude[part].unsqueeze(1), -torch.inf)
                shift = top[part] if bounded else flat.amax(dim=1)
                if not bounded:
                    flat.sub_(shift.unsqueeze(1))
                if clamped:
                    flat.clamp_(min=SMALLEST_EXPONENT)
                row_sum = flat.exp_().sum(dim=1)
                total += ((shift + row_sum.log()) * weight[part]).sum().to(total)
                scale = (weight[part] / row_sum).unsqueeze(1)
                torch.bmm(block, b.expand(g, -1, -1), out=_grouped(grad_a[part], g))
                grad_a[part] *= scale
                # transposed, the product runs along the rows of the block
                scaled = _grouped(a[part] * scale, g).transpose(1, 2)
                grad_b[:g].baddbmm_(scaled, block)
            return grad_a, grad_b.sum(0), total

        grad_a, grad_b, total = _in_blocks(accumulate, a, b, block_entries)
        ctx.save_for_backward(grad_a, grad_b)
        return total.to(device=a.device, dtype=a.dtype)

    @staticmethod
    def backward(ctx, upstream):
        grad_a, grad_b = ctx.saved_tensors
        return grad_a * upstream, grad_b.t() * upstream, None, None, None


class _SoftplusSum(torch.autograd.Function):
    """sum_ij log(1 + exp(a_i . b_j)), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, a, b, block_entries):
        def accumulate(rows):
            grad_a, grad_b = torch.empty_like(a), torch.zeros_like(b.t())
            total = torch.zeros((), dtype=torch.float64, device=_float64_device(a))
            for start in range(0, len(a), rows):
                part = slice(start, min(start + rows, len(a)))
                logits = a[part] @ b.t()
                total += torch.nn.functional.softplus(logits).sum().to(total)
                torch.mm(logits.sigmoid_(), b, out=grad_a[part])
                grad_b.addmm_(a[part].t(), logits)
            return grad_a, grad_b, total

        grad_a, grad_b, total = _in_blocks(accumulate, a, b, block_entries)
        ctx.save_for_backward(grad_a, grad_b)
        return total.to(device=a.device, dtype=a.dtype)

    @staticmethod
    def backward(ctx, upstream):
        grad_a, grad_b = ctx.saved_tensors
        return grad_a * upstream, grad_b.t() * upstream, None


class _EdgeSum(torch.autograd.Function):
    """sum over edges of weight_ij * z_i . z_j, without a product of rows per edge."""

    @staticmethod
    def forward(ctx, z, graph, weight):
        out = neighbour_sums(graph, weight, z)
        ctx.save_for_backward(out + neighbour_sums(graph, weight[graph.reverse], z))
        return (z * out).sum()

    @staticmethod
    def backward(ctx, upstream):
        (grad,) = ctx.saved_tensors
        return grad * upstream, None, None


def _grouped(rows: Tensor, groups: int) -> Tensor:
    """Rows (n, d) as (groups, n / groups, d)."""
    return rows.view(groups, -1, rows.shape[1])


def _float64_device(tensor: Tensor) -> torch.device:
    """Where sums are kept in double precision: Apple's GPUs have none, so there the CPU."""
    return torch.device("cpu") if tensor.device.type == "mps" else tensor.device


def row_logsumexp(
    a: Tensor,
    b: Tensor,
    weight: Tensor,
    exclude: Tensor | None = None,
    block_entries: int | None = None,
) -> Tensor:
    """Weighted sum over rows of the log-sum-exp of ``a @ b.T``.

    Parameters
    ----------
    a : Tensor, shape (n, d)
    b : Tensor, shape (m, d)
    weight : Tensor, shape (n,)
        Constant weights (no gradient flows into them).
    exclude : Tensor of int64, shape (n,), optional
        The one column that row i leaves out.
    block_entries : int, optional
        Entries of the logit matrix held at once; by default what suits the device, and less
        once its memory has run out.

    Returns
    -------
    Tensor, scalar
    """
    return _WeightedRowLogSumExp.apply(a, b, weight, exclude, block_entries)


def info_nce(
    h1: Tensor,
    h2: Tensor,
    temperature: float,
    include_positive: bool = False,
    anchors: Tensor | None = None,
    block_entries: int | None = None,
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
    """
    if anchors is None:
        anchors = torch.arange(len(h1), device=h1.device)
        rows1, rows2 = h1, h2
    else:
        rows1, rows2 = h1.index_select(0, anchors), h2.index_select(0, anchors)
    weight = h1.new_full((len(anchors),), 1.0 / len(anchors))
    exclude = None if include_positive else anchors
    positive = (rows1 * rows2).sum() / (len(anchors) * temperature)
    forward = row_logsumexp(rows1 / temperature, h2, weight, exclude, block_entries)
    backward = row_logsumexp(rows2 / temperature, h1, weight, exclude, block_entries)
    return 0.5 * (forward + backward) - positive


def adjacency_cross_entropy(
    z: Tensor,
    graph: Neighbourhoods,
    edge_weight: Tensor,
    anchors: Tensor | None = None,
    block_entries: int | None = None,
) -> Tensor:
    """Graph reconstruction, Eq. 11, as cross-entropy of a row softmax, averaged over cells.

    Row i of the normalised adjacency, rescaled to sum to one, is the target distribution over
    cells; ``softmax(z_i . z_j)`` is the prediction.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    graph : Neighbourhoods
        With the entries of L as edges.
    edge_weight : Tensor, shape (m,)
        Entries of ``L = D^-1/2 A D^-1/2`` with rows rescaled to sum to one.
    anchors : Tensor of int64, shape (a,), optional
        Average the log-sum-exps over these cells, a uniform sample, instead of all; the sum
        over edges is exact in either case.
    """
    rows = z if anchors is None else z.index_select(0, anchors)
    weight = z.new_full((len(rows),), 1.0 / len(rows))
    linear = _EdgeSum.apply(z, graph, edge_weight) / len(z)
    return row_logsumexp(rows, z, weight, None, block_entries) - linear


def adjacency_bce(
    z: Tensor,
    graph: Neighbourhoods,
    edge_weight: Tensor,
    anchors: Tensor | None = None,
    block_entries: int | None = None,
) -> Tensor:
    """Graph reconstruction, Eq. 11, as elementwise binary cross-entropy, averaged over pairs.

    Kept for studies; on non-negative embeddings it collapses to zero. Entries of L are soft
    targets; positive entries are up-weighted by ``(n^2 - m) / m`` as is usual for sparse
    graphs. Arguments as in :func:`adjacency_cross_entropy`.
    """
    n, m = len(z), len(edge_weight)
    rows = z if anchors is None else z.index_select(0, anchors)
    up_weight = (n * n - m) / m
    target, source = graph.edge_index
    # the gradient of index_select adds rows in a fixed order, that of z[...] in any
    logits = (z.index_select(0, target) * z.index_select(0, source)).sum(1)
    softplus = torch.nn.functional.softplus
    # y*u*softplus(-s) + (1-y)*softplus(s), with softplus(s) summed over all pairs
    on_edges = edge_weight * (up_weight * softplus(-logits) - softplus(logits))
    over_pairs = _SoftplusSum.apply(rows, z, block_entries) * (n / len(rows))
    return (over_pairs + on_edges.sum()) / (n * n)


def soft_modularity(assignment: Tensor, graph: Neighbourhoods) -> Tensor:
    """Modularity of soft labels, the negative of Eq. 14; sparse, O(edges * clusters).

    Parameters
    ----------
    assignment : Tensor, shape (n, c)
        Soft labels M with rows that sum to one.
    graph : Neighbourhoods
        The expression graph with a self-loop at every cell, as the encoder has it; the
        modularity is that of the graph without them.

    Returns
    -------
    Tensor, scalar in [-1, 1]
    """
    one = assignment.new_ones(graph.edge_index.shape[1])
    degree = (graph.indptr.diff() - 1).to(assignment)
    two_e = degree.sum()
    within = _EdgeSum.apply(assignment, graph, one) - assignment.square().sum()
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
