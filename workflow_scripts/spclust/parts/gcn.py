"""Graph convolution by sparse products with a symmetrically normalised adjacency."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from spclust.parts.neighbourhoods import Neighbourhoods, neighbour_sums


class _SymmetricProduct(torch.autograd.Function):
    """L @ x for a constant symmetric L, which therefore is its own transpose."""

    @staticmethod
    def forward(ctx, x, graph, weight):
        ctx.graph, ctx.weight = graph, weight
        return neighbour_sums(graph, weight, x)

    @staticmethod
    def backward(ctx, grad):
        return neighbour_sums(ctx.graph, ctx.weight, grad.contiguous()), None, None


@dataclass(frozen=True)
class WeightedGraph:
    """A symmetric weighted graph that features are propagated over.

    Attributes
    ----------
    graph : Neighbourhoods
        Self-loops are among its edges.
    weight : Tensor, shape (m,)
        Of each edge, equal in both directions, before normalisation.
    """

    graph: Neighbourhoods
    weight: Tensor

    @classmethod
    def from_scipy(cls, adjacency, device="cpu"):
        """From a symmetric scipy sparse matrix of weights, self-loops stored."""
        csr = adjacency.tocsr().sorted_indices()
        weight = torch.from_numpy(csr.data.astype(np.float32)).to(device)
        return cls(Neighbourhoods.from_scipy(csr, device), weight)

    @cached_property
    def normalised(self) -> Tensor:
        """Edge values of ``D^-1/2 A D^-1/2``; rows of isolated cells are zero."""
        ones = self.weight.new_ones(self.graph.n_cells, 1)
        degree = neighbour_sums(self.graph, self.weight, ones).squeeze(1)
        scale = torch.where(degree > 0, degree.rsqrt(), 0.0)
        target, source = self.graph.edge_index
        return self.weight * scale.index_select(0, target) * scale.index_select(0, source)

    def propagate(self, x: Tensor) -> Tensor:
        """``D^-1/2 A D^-1/2 @ x``, shape (n, d)."""
        return _SymmetricProduct.apply(x, self.graph, self.normalised)

    def with_dropped_edges(self, probability: float, generator: torch.Generator):
        """A copy without a random part of the edges, both directions together; loops stay."""
        target, source = self.graph.edge_index
        draw = torch.rand(len(target), generator=generator, device=target.device)
        # of the two directions of an edge the draw of the one that comes first counts for both
        first = torch.minimum(torch.arange(len(target), device=target.device), self.graph.reverse)
        kept = (draw.index_select(0, first) >= probability) | (target == source)
        return WeightedGraph(self.graph, self.weight * kept)


class GraphConvolution(nn.Module):
    """``L X W + b`` (Kipf and Welling 2017), Glorot's initial weights."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, graph: WeightedGraph) -> Tensor:
        # (L X) W = L (X W): the sparse product goes where the matrix is narrower
        narrow_first = self.weight.shape[0] < self.weight.shape[1]
        product = (
            graph.propagate(x) @ self.weight if narrow_first else graph.propagate(x @ self.weight)
        )
        return product + self.bias


class GCN(nn.Module):
    """A stack of graph convolutions.

    Parameters
    ----------
    n_in : int
    widths : sequence of int
    activation : nn.Module or None
        One for all layers, the last included, so that its parameters are shared; None for a
        linear stack.
    """

    def __init__(self, n_in, widths, activation=None):
        super().__init__()
        sizes = [n_in, *widths]
        self.layers = nn.ModuleList(
            GraphConvolution(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor, graph: WeightedGraph) -> Tensor:
        for layer in self.layers:
            x = self.activation(layer(x, graph))
        return x


def linear_basis(x: Tensor, graph: WeightedGraph, depth: int) -> Tensor:
    """What ``depth`` graph convolutions without activation make linear combinations of.

    One such layer maps ``B C`` to ``L B C W + 1 b = [L B | 1] [C W; b]``. So a stack of them
    is a basis without parameters, ``[L^k X | L^(k-1) 1 | ... | 1]``, times a matrix that does
    not grow with the cells (:func:`linear_coefficients`): the same function at a fraction of
    the cost, since cells meet only as many columns as there are proteins.

    Returns
    -------
    Tensor, shape (n, d + depth)
    """
    ones = x.new_ones(len(x), 1)
    for _ in range(depth):
        x = torch.cat([graph.propagate(x), ones], dim=1)
    return x


def linear_coefficients(layers, n_in: int) -> Tensor:
    """The matrix (n_in + k, width) that turns the basis into the output of ``k`` layers."""
    coefficients = torch.eye(n_in, device=layers[0].weight.device)
    for layer in layers:
        coefficients = torch.cat([coefficients @ layer.weight, layer.bias.unsqueeze(0)])
    return coefficients
