"""Graph convolution by sparse products with a symmetrically normalised adjacency."""

import torch
from torch import Tensor, nn

from spclust.nn.neighbourhoods import Neighbourhoods


class GraphConvolution(nn.Module):
    """``L X W + b`` (Kipf and Welling 2017), Glorot's initial weights."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, graph: Neighbourhoods) -> Tensor:
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

    def forward(self, x: Tensor, graph: Neighbourhoods) -> Tensor:
        for layer in self.layers:
            x = self.activation(layer(x, graph))
        return x


def linear_basis(x: Tensor, graph: Neighbourhoods, depth: int) -> Tensor:
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
