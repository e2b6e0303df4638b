"""Attention over views or modalities of the same cells (SpatialGlue, Long et al. 2024)."""

import torch
from torch import Tensor, nn


class ViewAttention(nn.Module):
    """A weighted sum of views with weights of each cell's own.

    ``softmax over views of tanh(z W) u``; of one view it is the view itself.

    Parameters
    ----------
    width : int
    """

    def __init__(self, width):
        super().__init__()
        self.inner = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, width)))
        self.outer = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, 1)))

    def forward(self, views) -> tuple[Tensor, Tensor]:
        """Fuse views, each (n, width).

        Returns
        -------
        Tensor, shape (n, width)
        Tensor, shape (n, views)
            Weights, summing to one in each row.
        """
        scores = [(view @ self.inner).tanh() @ self.outer for view in views]
        weights = torch.cat(scores, dim=1).softmax(dim=1)
        return sum(weights[:, i : i + 1] * view for i, view in enumerate(views)), weights
