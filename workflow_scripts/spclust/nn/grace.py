"""Graph contrastive learning of two augmented views (GRACE, Zhu et al. 2020)."""

import torch
from torch import Tensor

from spclust.nn.pairwise import Blocks, row_logsumexp


def mask_features(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Set a random part of the features to zero, the same in all cells."""
    draw = torch.rand(x.shape[1], generator=generator, device=x.device)
    return x * (draw >= probability)


def dropped_out(x: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Set random entries to zero and scale the others up; all stay without a generator."""
    if generator is None:
        return x
    draw = torch.rand(x.shape, generator=generator, device=x.device)
    return x * (draw >= probability) / (1 - probability)


def grace_loss(
    h1: Tensor,
    h2: Tensor,
    temperature: float,
    anchors: Tensor | None = None,
    blocks: Blocks | None = None,
) -> Tensor:
    """Symmetric InfoNCE with negatives in both views, averaged over cells; O(n) memory.

    A cell's two views attract; all other cells repel it, in the other view and in its own. The
    positive pair stands in the denominator, a view's product with itself does not.

    Parameters
    ----------
    h1, h2 : Tensor, shape (n, d)
        Projected views with rows of unit length.
    temperature : float
    anchors : Tensor of int64, shape (a,), optional
        Average over these cells, a uniform sample, instead of all; they still repel all cells.
    blocks : Blocks, optional
        Of the training; by default of this call alone.
    """
    n = len(h1)
    if anchors is None:
        anchors = torch.arange(n, device=h1.device)
    weight = h1.new_full((len(anchors),), 1 / len(anchors))
    # both views side by side as columns, so that one log-sum-exp takes in all negatives
    columns = torch.cat([h1, h2])
    rows1, rows2 = (h.index_select(0, anchors) for h in (h1, h2))
    own1, own2 = anchors, anchors + n
    denominator1 = row_logsumexp(rows1 / temperature, columns, weight, own1, blocks)
    denominator2 = row_logsumexp(rows2 / temperature, columns, weight, own2, blocks)
    positive = (rows1 * rows2).sum() / (len(anchors) * temperature)
    return 0.5 * (denominator1 + denominator2) - positive
