"""The shared multi-head graph attention encoder (Eq. 6 and 8) and the projection head (Eq. 7)."""

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv
from torch_geometric.utils import softmax

from spclust.nn.autoencoder import multilayer
from spclust.nn.neighbourhoods import Neighbourhoods

# edges whose scores are held at once where no gradient is wanted, 40 MB with two heads
BLOCK_EDGES = 1 << 20


class AttendedSum(torch.autograd.Function):
    """out_i = sum over neighbours j of alpha_ij * x_j, without a message per edge.

    Of alpha (edges, heads) and x (n, heads, d), both with gradients; no products on MPS.
    """

    @staticmethod
    def forward(ctx, alpha, x, graph):
        ctx.save_for_backward(alpha, x)
        ctx.graph = graph
        heads = [graph.sparse(alpha[:, h]) @ x[:, h] for h in range(alpha.shape[1])]
        return torch.stack(heads, dim=1)

    @staticmethod
    def backward(ctx, grad):
        alpha, x = ctx.saved_tensors
        graph, zeros = ctx.graph, alpha.new_zeros(alpha.shape[0])
        grad_alpha, grad_x = [], []
        for h in range(alpha.shape[1]):
            sampled = torch.sparse.sampled_addmm(
                graph.sparse(zeros), grad[:, h].contiguous(), x[:, h].t().contiguous(), beta=0.0
            )
            grad_alpha.append(sampled.values())
            grad_x.append(graph.sparse(alpha[graph.reverse, h]) @ grad[:, h])
        return torch.stack(grad_alpha, dim=1), torch.stack(grad_x, dim=1), None


def weighted_sums(values: Tensor, x: Tensor, graph: Neighbourhoods) -> Tensor:
    """Neighbours' rows of ``x`` (n, d) summed with weights (m,) that gradients reach."""
    if x.device.type == "mps":  # has no sparse products
        return graph.gathered_sums(values, x)
    return AttendedSum.apply(values.unsqueeze(1), x.unsqueeze(1), graph).squeeze(1)


class SparseGATConv(GATConv):
    """torch-geometric's graph attention layer, evaluated with sparse matrix products.

    Parameters and results are those of :class:`torch_geometric.nn.GATConv`; only the
    (edges x heads x channels) message tensor is never built. Where no gradient is wanted,
    targets are visited in blocks, so that memory holds the scores of one block of edges.
    """

    def forward(self, x: Tensor, graph: Neighbourhoods) -> Tensor:
        if x.device.type == "mps":  # has no sparse products
            return super().forward(x, graph.edge_index.flip(0))
        h = self.lin(x).view(-1, self.heads, self.out_channels)
        to_source, to_target = (h * self.att_src).sum(-1), (h * self.att_dst).sum(-1)
        if torch.is_grad_enabled():
            out = self._attend(h, to_source, to_target, graph)
        else:
            out = torch.cat(
                [
                    self._attend(h, to_source, to_target[cells], part)
                    for cells, part in graph.blocks(BLOCK_EDGES)
                ]
            )
        if self.res is not None:
            out = out + self.res(x)
        return out + self.bias

    def _attend(self, h, to_source, to_target, graph):
        target, source = graph.edge_index
        score = to_source.index_select(0, source) + to_target.index_select(0, target)
        score = nn.functional.leaky_relu(score, self.negative_slope)
        return AttendedSum.apply(softmax(score, ptr=graph.indptr), h, graph).flatten(1)


class GraphAttentionEncoder(nn.Module):
    """A stack of multi-head graph attention layers shared by both views, Eq. 6 and 8.

    Parameters
    ----------
    n_features : int
    widths : sequence of int
        Total width of each layer; each head gets ``width / heads``.
    heads : int
    residual : bool
        Add a linear map of a layer's input to its output, so that a cell keeps a voice of its
        own beside its neighbours'.
    last_activation : bool
        ReLU after the last layer as printed in Eq. 8. The inner-product decoder of Eq. 11
        then sees no negative logit and learns little, so the default is a linear last layer.
    """

    def __init__(self, n_features, widths, heads, residual=False, last_activation=False):
        super().__init__()
        sizes = [n_features, *widths]
        self.layers = nn.ModuleList(
            SparseGATConv(a, b // heads, heads, add_self_loops=False, residual=residual)
            for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.last_activation = last_activation

    def forward(self, x: Tensor, graph: Neighbourhoods) -> Tensor:
        """Cells (n, features) and a graph with self-loops to embeddings (n, widths[-1])."""
        for i, layer in enumerate(self.layers):
            x = layer(x, graph)
            if self.last_activation or i + 1 < len(self.layers):
                x = x.relu()
        return x


class ProjectionHead(nn.Module):
    """Map embeddings into the contrastive space, rows of unit length, Eq. 7.

    Parameters
    ----------
    width : int
        Size of input, hidden layers and output.
    layers : int
    residual : bool
        Learn a correction to the embedding rather than a new map, so that an untrained head
        does not discard what pre-training found.
    """

    def __init__(self, width, layers, residual=False):
        super().__init__()
        # torch-geometric's MLP draws its first weights twice: another training for the same seed
        self.steps = multilayer([width] * (layers + 1))
        self.residual = residual

    def forward(self, z: Tensor) -> Tensor:
        out = self.steps(z)
        return nn.functional.normalize(z + 0.1 * out if self.residual else out, dim=1)
