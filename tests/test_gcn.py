"""Graph convolution: equals its dense definition, drops edges in both directions."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from spclust.parts import gcn
from spclust.parts.graphs import knn_graph, normalised_adjacency, with_self_loops
from spclust.parts.neighbourhoods import gathered_sums, neighbour_sums


@pytest.fixture
def adjacency():
    places = np.random.default_rng(0).random((40, 2))
    return with_self_loops(knn_graph(places, np.zeros(40), 5))


def test_propagation_and_its_gradient_equal_the_dense_product(adjacency):
    weighted = (0.3 * adjacency + 0.5 * sp.eye(40)).tocsr()
    dense = torch.tensor(normalised_adjacency(weighted).toarray(), dtype=torch.float32)
    x = torch.randn(40, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.randn(40, 7, generator=torch.Generator().manual_seed(1))
    got = gcn.WeightedGraph.from_scipy(weighted).propagate(x)
    torch.testing.assert_close(got, dense @ x)
    torch.testing.assert_close(torch.autograd.grad((got * weight).sum(), x)[0], dense @ weight)


def test_a_cell_without_neighbours_and_loop_gets_nothing():
    graph = gcn.WeightedGraph.from_scipy(sp.csr_matrix(np.diag([1.0, 0.0, 1.0])))
    assert graph.propagate(torch.ones(3, 2)).tolist() == [[1, 1], [0, 0], [1, 1]]


def test_messages_per_edge_sum_to_the_sparse_product(adjacency):
    graph = gcn.WeightedGraph.from_scipy(adjacency)
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    sums = [f(graph.graph, graph.normalised, x) for f in (neighbour_sums, gathered_sums)]
    torch.testing.assert_close(*sums)


@pytest.mark.parametrize("n_out", [3, 20])
def test_a_convolution_is_l_x_w_plus_b_whatever_is_narrower(adjacency, n_out):
    torch.manual_seed(0)
    layer, x = gcn.GraphConvolution(8, n_out), torch.randn(40, 8)
    torch.nn.init.normal_(layer.bias)
    dense = torch.tensor(normalised_adjacency(adjacency).toarray(), dtype=torch.float32)
    got = layer(x, gcn.WeightedGraph.from_scipy(adjacency))
    torch.testing.assert_close(got, dense @ x @ layer.weight + layer.bias)


def test_a_stack_without_activation_is_linear_and_one_with_shares_it(adjacency):
    torch.manual_seed(0)
    graph, x = gcn.WeightedGraph.from_scipy(adjacency), torch.randn(40, 8)
    linear = gcn.GCN(8, [6, 4])
    torch.testing.assert_close(linear(2 * x, graph), 2 * linear(x, graph))
    assert len(list(gcn.GCN(8, [6, 4], torch.nn.PReLU()).parameters())) == 5


def test_dropped_edges_go_in_both_directions_and_loops_stay(adjacency):
    graph = gcn.WeightedGraph.from_scipy(adjacency)
    dropped = graph.with_dropped_edges(0.4, torch.Generator().manual_seed(0))
    dense = dropped.graph.sparse(dropped.weight).to_dense()
    assert torch.equal(dense, dense.t()) and (dense.diagonal() == 1).all()
    whole = graph.graph.sparse(graph.weight).to_dense()
    assert ((dense == 0) | (dense == whole)).all()
    kept = (dense.sum() - 40) / (whole.sum() - 40)
    assert 0.45 < kept < 0.75
    # normalised by the degrees that are left
    values = dropped.graph.sparse(dropped.normalised).to_dense()
    expected = normalised_adjacency(sp.csr_matrix(dense.numpy())).toarray()
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_no_edge_is_dropped_at_probability_zero(adjacency):
    graph = gcn.WeightedGraph.from_scipy(adjacency)
    same = graph.with_dropped_edges(0.0, torch.Generator().manual_seed(0))
    assert torch.equal(same.weight, graph.weight)


def test_a_linear_stack_is_its_basis_times_its_coefficients(adjacency):
    torch.manual_seed(0)
    graph, x = gcn.WeightedGraph.from_scipy(adjacency), torch.randn(40, 8)
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
