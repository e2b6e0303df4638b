"""Sums over all pairs of rows of two matrices, block by block, without n x n memory.

The log-sum-exp of an inner-product matrix ``a @ b.T`` is computed row block by row block, its
gradient in the same pass while the block is in the cache, so memory is O(block * n).

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

log = logging.getLogger(__name__)

# Entries of one block of logits. 4 MB of float32 stays in the caches of a CPU and is still
# large enough for efficient products, 32 MB does the same for a data-centre GPU.
BLOCK_ENTRIES = {"cpu": 1 << 20, "cuda": 1 << 23, "mps": 1 << 22}
SMALLEST_BLOCK = 1 << 14

# exp(-60) times a weight and an embedding is still a normal float32 (smaller numbers make all
# arithmetic ten times slower), and nothing beside exp(-30), the least that the largest term of a
# row may be shifted to.
SMALLEST_EXPONENT = -60.0


class Blocks:
    """How many entries of a logit matrix are held at once.

    A training makes one and hands it to all its pairwise terms: what it learns when the
    device's memory runs out holds for this training and no other.

    Parameters
    ----------
    entries : int, optional
        By default what suits the device of the first rows it meets.
    """

    def __init__(self, entries=None):
        self.entries = entries

    def run(self, accumulate, a, b):
        """``accumulate(rows)`` with as many rows of ``a`` as fit; fewer once memory is short."""
        kind = a.device.type
        self.entries = self.entries or BLOCK_ENTRIES[kind]
        while True:
            try:
                return accumulate(max(1, min(len(a), self.entries // len(b))))
            except torch.OutOfMemoryError:
                if self.entries <= SMALLEST_BLOCK:
                    raise
            self.entries //= 2
            log.warning(
                "out of memory on the %s device: blocks of %d entries from here on",
                kind,
                self.entries,
            )
            if kind == "cuda":
                torch.cuda.empty_cache()


class _WeightedRowLogSumExp(torch.autograd.Function):
    """sum_i weight_i * log sum_j exp(a_i . b_j), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, a, b, weight, exclude, blocks):
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

        grad_a, grad_b, total = blocks.run(accumulate, a, b)
        ctx.save_for_backward(grad_a, grad_b)
        return total.to(device=a.device, dtype=a.dtype)

    @staticmethod
    def backward(ctx, upstream):
        grad_a, grad_b = ctx.saved_tensors
        return grad_a * upstream, grad_b.t() * upstream, None, None, None


class _SoftplusSum(torch.autograd.Function):
    """sum_ij log(1 + exp(a_i . b_j)), value and gradient in one pass."""

    @staticmethod
    def forward(ctx, a, b, blocks):
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

        grad_a, grad_b, total = blocks.run(accumulate, a, b)
        ctx.save_for_backward(grad_a, grad_b)
        return total.to(device=a.device, dtype=a.dtype)

    @staticmethod
    def backward(ctx, upstream):
        grad_a, grad_b = ctx.saved_tensors
        return grad_a * upstream, grad_b.t() * upstream, None


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
    blocks: Blocks | None = None,
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
    blocks : Blocks, optional
        Of the training; by default of this call alone.

    Returns
    -------
    Tensor, scalar
    """
    return _WeightedRowLogSumExp.apply(a, b, weight, exclude, blocks or Blocks())


def softplus_sum(a: Tensor, b: Tensor, blocks: Blocks | None = None) -> Tensor:
    """Sum of ``log(1 + exp(a_i . b_j))`` over all pairs; arguments as in :func:`row_logsumexp`."""
    return _SoftplusSum.apply(a, b, blocks or Blocks())
