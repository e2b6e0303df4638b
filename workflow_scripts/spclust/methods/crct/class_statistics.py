"""Running statistics of classes, and cells moved along what varies within their class.

Implicit semantic data augmentation (Wang et al. 2021) as CRCT takes it: diagonal covariances,
and draws from them instead of a bound on their expectation.
"""

import torch
from torch import Tensor, nn


def batch_statistics(z: Tensor, labels: Tensor, n_classes: int):
    """Sizes (c,), means (c, d) and variances (c, d) of the classes of some cells.

    Variances have the number of cells as divisor; those of an empty class are zero.
    """
    member = torch.nn.functional.one_hot(labels, n_classes).to(z.dtype)
    sizes = member.sum(0)
    divisor = sizes.clamp(min=1).unsqueeze(1)
    means = member.t() @ z / divisor
    variances = member.t() @ (z - means.index_select(0, labels)).square() / divisor
    return sizes, means, variances


class ClassStatistics(nn.Module):
    """Means and variances of classes over the steps of a training, Eq. 5 and 6 of CRCT.

    Only the diagonal of the covariances is used (Eq. 7), so only it is kept. As printed, each
    step counts as new cells, so that statistics from the start of training never fade; with
    ``memory`` they are moving means.

    Parameters
    ----------
    n_classes, width : int
    memory : float or None
        Share of what is known that a step leaves; None for the cumulative means as printed.
    """

    def __init__(self, n_classes, width, memory):
        super().__init__()
        self.memory = memory
        for name, shape in (("sizes", ()), ("means", (width,)), ("variances", (width,))):
            self.register_buffer(name, torch.zeros(n_classes, *shape))

    @torch.no_grad()
    def update(self, z: Tensor, labels: Tensor):
        """Take in cells (n, d) under their labels; classes without cells stay as they are."""
        sizes, means, variances = batch_statistics(z.detach(), labels, len(self.sizes))
        total = self.sizes + sizes
        share = sizes / total.clamp(min=1)
        if self.memory is not None:  # the first cells of a class are all that is known of it
            seen_before = (self.sizes > 0) & (sizes > 0)
            share = torch.where(seen_before, 1 - self.memory, share)
        new, old = share.unsqueeze(1), (1 - share).unsqueeze(1)
        between = (self.means - means).square()
        self.variances.copy_(old * self.variances + new * variances + old * new * between)
        self.means.copy_(old * self.means + new * means)
        self.sizes.copy_(total)

    @torch.no_grad()
    def forget(self, classes: Tensor):
        """Start anew with some classes (bool (c,)), whose cells are no longer the same."""
        for values in (self.sizes, self.means, self.variances):
            values[classes] = 0

    def augmented(self, z: Tensor, labels: Tensor, strength: float, noise: Tensor) -> Tensor:
        """Cells moved at random by what their class varies in each direction, Eq. 7 and 8.

        Parameters
        ----------
        z, noise : Tensor, shape (n, d)
            The noise is standard normal.
        labels : Tensor of int64, shape (n,)
        strength : float
            rho of the epoch.
        """
        return z + strength * self.variances.sqrt().index_select(0, labels) * noise


def inverse_frequency(labels: Tensor, n_classes: int) -> Tensor:
    """Weights of cells by which every class counts alike, their mean one, shape (n,)."""
    sizes = torch.bincount(labels, minlength=n_classes)
    occupied = (sizes > 0).sum()
    return len(labels) / (occupied * sizes.index_select(0, labels)).to(torch.get_default_dtype())
