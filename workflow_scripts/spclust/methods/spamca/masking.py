"""Cells whose features are hidden from an encoder that is to fill them in."""

import torch
from torch import Tensor


def masked_rows(n: int, share: float, generator: torch.Generator) -> Tensor:
    """Random cells, at least one of them if the share is not zero, bool (n,).

    Parameters
    ----------
    n : int
    share : float
        In [0, 1); so many of the cells, rounded down.
    generator : torch.Generator
    """
    count = max(1, int(share * n)) if share else 0
    order = torch.randperm(n, generator=generator, device=generator.device)
    rows = torch.zeros(n, dtype=torch.bool, device=generator.device)
    rows[order[:count]] = True
    return rows


def hidden(x: Tensor, rows: Tensor) -> Tensor:
    """Features (n, d) with those of the masked cells set to zero."""
    return x.masked_fill(rows.unsqueeze(1), 0)


def error_of(rows: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error over the masked cells, over all where none is masked.

    Parameters
    ----------
    rows : Tensor of bool, shape (n,)
    x, y : Tensor, shape (n, d)
    """
    kept = rows.to(x.dtype) if rows.any() else torch.ones_like(x[:, 0])
    return ((x - y).square().mean(1) * kept).sum() / kept.sum()
