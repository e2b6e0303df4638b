"""Graph convolution: equals its dense definition."""

import numpy as np
import pytest
import torch

from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn import gcn
from spclust.nn.neighbourhoods import Neighbourhoods


@pytest.fixture
def adjacency():
    places = np.random.default_rng(0).random((40, 2))
    return with_self_loops(knn_graph(places, np.zeros(40), 5))


@pytest.mark.parametrize("n_out", [3, 20])
def test_a_convolution_is_l_x_w_plus_b_whatever_is_narrower(adjacency, n_out):
    torch.manual_seed(0)
    layer, x = gcn.GraphConvolution(8, n_out), torch.randn(40, 8)
    torch.nn.init.normal_(layer.bias)
    degree = adjacency.toarray().sum(1)
    normalised = adjacency.toarray() / np.sqrt(np.outer(degree, degree))
    dense = torch.tensor(normalised, dtype=torch.float32)
    got = layer(x, Neighbourhoods.from_scipy(adjacency))
    torch.testing.assert_close(got, dense @ x @ layer.weight + layer.bias)


def test_a_stack_without_activation_is_linear_and_one_with_shares_it(adjacency):
    torch.manual_seed(0)
    graph, x = Neighbourhoods.from_scipy(adjacency), torch.randn(40, 8)
    linear = gcn.GCN(8, [6, 4])
    torch.testing.assert_close(linear(2 * x, graph), 2 * linear(x, graph))
    assert len(list(gcn.GCN(8, [6, 4], torch.nn.PReLU()).parameters())) == 5


def test_a_linear_stack_is_its_basis_times_its_coefficients(adjacency):
    torch.manual_seed(0)
    graph, x = Neighbourhoods.from_scipy(adjacency), torch.randn(40, 8)
    model = gcn.GCN(8, [12, 6, 3])
    for layer in model.layers:
        torch.nn.init.normal_(layer.bias)
    basis = gcn.linear_basis(x, graph, 3)
    assert basis.shape == (40, 8 + 3)
    got, expected = basis @ gcn.linear_coefficients(model.layers, 8), model(x, graph)
    torch.testing.assert_close(got, expected)
    weight = torch.randn(40, 3)
    gradients = [
        torch.autograd.grad((out * weight).sum(), list(model.parameters()))
        for out in (got, expected)
    ]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)
