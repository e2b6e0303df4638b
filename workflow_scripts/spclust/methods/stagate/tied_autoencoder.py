"""A graph attention autoencoder whose decoder has the encoder's weights and attention."""

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from spclust.nn.encoders import weighted_sums
from spclust.nn.neighbourhoods import Neighbourhoods


class TiedAttentionAutoencoder(nn.Module):
    """Attention and a linear layer, and both again backwards (STAGATE, Dong and Zhang 2022).

    The scores of a cell and its neighbours pass a sigmoid before they become shares, so that no
    neighbour weighs more than e times another. The decoder averages by the same shares, and its
    weights are the encoder's, transposed.

    Parameters
    ----------
    n_features, hidden, latent : int
    tied : bool
        Whether the decoder's gradient reaches those weights; without, they are copied into it
        at each step.
    """

    def __init__(self, n_features, hidden, latent, tied=True):
        super().__init__()
        self.first = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_features, hidden), 1.414))
        self.second = nn.Parameter(nn.init.xavier_normal_(torch.empty(hidden, latent), 1.414))
        # of neighbours and of the cell itself
        self.attention = nn.Parameter(nn.init.xavier_normal_(torch.empty(hidden, 2), 1.414))
        self.tied = tied

    def shares(self, hidden: Tensor, graph: Neighbourhoods) -> Tensor:
        """Weight of each edge, shape (m,); those of a cell sum to one."""
        to_source, to_target = (hidden @ self.attention).unbind(1)
        target, source = graph.edge_index
        score = to_source.index_select(0, source) + to_target.index_select(0, target)
        return softmax(score.sigmoid(), ptr=graph.indptr)

    def encode(self, x: Tensor, graph: Neighbourhoods):
        """Embedding (n, latent) of features (n, d), and the shares."""
        hidden = x @ self.first
        shares = self.shares(hidden, graph)
        averaged = weighted_sums(shares, hidden, graph)
        return nn.functional.elu(averaged) @ self.second, shares

    def forward(self, x: Tensor, graph: Neighbourhoods):
        """Embedding and reconstruction of the features (n, d)."""
        z, shares = self.encode(x, graph)
        first, second = (w if self.tied else w.detach() for w in (self.first, self.second))
        averaged = weighted_sums(shares, z @ second.t(), graph)
        return z, nn.functional.elu(averaged) @ first.t()
