"""Deep embedded clustering (Xie et al. 2016): soft labels that sharpen themselves."""

import torch
from torch import Tensor


def soft_labels(z: Tensor, centres: Tensor) -> Tensor:
    """Student's t kernel (one degree of freedom) to each centre, rows summing to one.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    centres : Tensor, shape (c, d)

    Returns
    -------
    Tensor, shape (n, c)
        ``q_ij`` proportional to ``1 / (1 + |z_i - centre_j|^2)``.
    """
    q = 1 / (1 + (z.unsqueeze(1) - centres).square().sum(2))
    return q / q.sum(1, keepdim=True)


def target_distribution(q: Tensor) -> Tensor:
    """Soft labels squared, divided by the size of each cluster ``f_j = sum_i q_ij``, (n, c)."""
    p = q.square() / q.sum(0)
    return p / p.sum(1, keepdim=True)


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(P || Q), averaged over cells."""
    return torch.nn.functional.kl_div(q.log(), p, reduction="batchmean")
