"""Deep graph infomax (Velickovic et al. 2019): cells against cells with shuffled proteins."""

import numpy as np
import torch
from torch import Tensor, nn

from spclust.nn.neighbourhoods import Neighbourhoods


def shuffled_within(groups, rng):
    """A random order of the rows that keeps every row in its group.

    Parameters
    ----------
    groups : array, shape (n,)
        Images.
    rng : numpy.random.Generator

    Returns
    -------
    array of int, shape (n,)
        Which row comes to stand in each place.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    order = np.empty(len(codes), dtype=np.int64)
    order[np.argsort(codes, kind="stable")] = np.lexsort((rng.random(len(codes)), codes))
    return order


class Discriminator(nn.Module):
    """Bilinear score of how well a cell fits a summary of the slice or of its surroundings."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, width)))

    def forward(self, z: Tensor, summary: Tensor) -> Tensor:
        """Logits (n,) of cells (n, d) and one summary (d,), or one for each cell (n, d)."""
        if summary.dim() == 1:
            return z @ (self.weight @ summary)
        return ((z @ self.weight) * summary).sum(1)


def neighbourhood_summary(z: Tensor, graph: Neighbourhoods) -> Tensor:
    """Sigmoid of the mean over each cell's neighbours (n, d), brought to unit length."""
    mean = graph.total(z) / graph.degree.unsqueeze(1)
    return torch.nn.functional.normalize(mean, dim=1).sigmoid()


def infomax(
    positive: Tensor, negative: Tensor, discriminator: nn.Module, summary: Tensor | None = None
) -> Tensor:
    """Cross-entropy of telling true cells from corrupted ones by a summary of the true.

    Parameters
    ----------
    positive, negative : Tensor, shape (n, d)
        Embeddings of the cells as they are and of the corrupted ones.
    discriminator : callable
        Of (cells, summary), returns logits.
    summary : Tensor, shape (d,) or (n, d), optional
        By default ``sigmoid(mean(positive))``.
    """
    summary = positive.mean(0).sigmoid() if summary is None else summary
    softplus = torch.nn.functional.softplus
    on_true, on_corrupted = discriminator(positive, summary), discriminator(negative, summary)
    return softplus(-on_true).mean() + softplus(on_corrupted).mean()


def cosine_separation(positive: Tensor, negative: Tensor, floor: float = 1e-3) -> Tensor:
    """``-log(1 - cos)`` of each cell and its corrupted self, averaged.

    ``floor`` is added to ``1 - cos``: a cell that the shuffle gave a twin has cos = 1, where
    logarithm and gradient would otherwise have no bound.
    """
    dot = torch.linalg.vecdot
    # torch's cosine_similarity divides every entry, forwards and back, which takes twice as long
    squares = dot(positive, positive) * dot(negative, negative)
    cosine = dot(positive, negative) * squares.clamp(min=1e-16).rsqrt()
    return -(1 - cosine + floor).log().mean()
