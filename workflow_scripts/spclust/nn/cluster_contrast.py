"""Contrast of whole clusters: cells with their prototypes, and clusterings of two views."""

import math

import torch
from torch import Tensor


def prototype_contrast(z: Tensor, labels: Tensor, centres: Tensor, temperature: float) -> Tensor:
    """Nearness of prototypes to their own cells against that to all, Eq. 13 of CRCT.

    ``-mean over classes of log(mean of exp(u . c / tau) over the class's cells / mean of
    exp(v . c / tau) over all cells)``; classes without cells do not count. O(n c).

    Parameters
    ----------
    z : Tensor, shape (n, d)
    labels : Tensor of int64, shape (n,)
    centres : Tensor, shape (c, d)
        Constants.
    temperature : float
    """
    logits = z @ centres.detach().t() / temperature
    # what is common to numerator and denominator would cost the digits of their difference
    logits = logits - logits.detach().amax(0)
    sizes = torch.bincount(labels, minlength=len(centres))
    member = torch.nn.functional.one_hot(labels, len(centres)).bool()
    own = logits.masked_fill(~member, -torch.inf)[:, sizes > 0].logsumexp(0)
    every = logits[:, sizes > 0].logsumexp(0)
    ratio = own - sizes[sizes > 0].log() - every + math.log(len(z))
    return -ratio.mean()


def cluster_contrast(p: Tensor, q: Tensor, temperature: float) -> Tensor:
    """Contrast of the clusters of two views, with balance (Li et al. 2021).

    Clusters are columns of soft labels. The same cluster in the other view attracts, all other
    clusters of both views repel, by cosines; and of each view the log of the number of clusters
    less the entropy of their sizes is added.

    Parameters
    ----------
    p, q : Tensor, shape (n, c)
        Soft labels of the same cells.
    temperature : float
    """
    columns = torch.nn.functional.normalize(torch.cat([p, q], dim=1), dim=0)
    c = p.shape[1]
    logits = columns.t() @ columns / temperature
    itself = torch.eye(2 * c, dtype=torch.bool, device=p.device)
    logits = logits.masked_fill(itself, -torch.inf)
    other = torch.arange(2 * c, device=p.device).roll(c)
    contrast = torch.nn.functional.cross_entropy(logits, other)
    return contrast + imbalance(p) + imbalance(q)


def imbalance(soft: Tensor) -> Tensor:
    """Log of the number of clusters less the entropy of their mean shares, zero if all equal."""
    return math.log(soft.shape[1]) - torch.special.entr(soft.mean(0)).sum()
