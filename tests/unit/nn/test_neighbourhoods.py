"""A graph for torch: edges, normalisation and products equal their dense definitions."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods


def normalised(dense):
    """D^-1/2 A D^-1/2 in double precision."""
    degree = np.asarray(dense, dtype=np.float64).sum(1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return scale[:, None] * dense * scale


@pytest.fixture
def adjacency():
    places = np.random.default_rng(0).random((40, 2))
    return with_self_loops(knn_graph(places, np.zeros(40), 5))


@pytest.fixture
def weighted(adjacency):
    """Symmetric weights."""
    draw = np.random.default_rng(1).random((40, 40))
    return adjacency.multiply(draw + draw.T).tocsr()


def test_reverse_points_at_the_opposite_direction(adjacency):
    graph = Neighbourhoods.from_scipy(adjacency)
    target, source = graph.edge_index
    assert torch.equal(target[graph.reverse], source)
    assert torch.equal(source[graph.reverse], target)


def test_weights_degrees_and_normalised_values_are_those_of_the_matrix(weighted):
    graph, dense = Neighbourhoods.from_scipy(weighted), weighted.toarray()
    np.testing.assert_array_equal(graph.sparse(graph.weight).to_dense(), dense.astype("float32"))
    np.testing.assert_allclose(graph.degree, dense.sum(1), rtol=1e-6)
    laplacian = normalised(dense)
    np.testing.assert_allclose(graph.sparse(graph.normalised).to_dense(), laplacian, atol=1e-6)
    shares = laplacian / laplacian.sum(1, keepdims=True)
    np.testing.assert_allclose(graph.sparse(graph.row_shares).to_dense(), shares, atol=1e-6)


@pytest.mark.parametrize("edges", [1, 7, 60, 10**6])
def test_blocks_are_all_rows_in_turn_with_few_edges_each(weighted, edges):
    graph, x = Neighbourhoods.from_scipy(weighted), torch.randn(40, 3)
    blocks = list(graph.blocks(edges))
    assert [i for cells, _ in blocks for i in range(40)[cells]] == list(range(40))
    widest = int(graph.indptr.diff().max())
    assert all(len(part.weight) <= max(edges, widest) for _, part in blocks)
    sums = torch.cat([part.sums(part.weight, x) for _, part in blocks])
    torch.testing.assert_close(sums, graph.sums(graph.weight, x))


def test_propagation_and_its_gradient_equal_the_dense_product(weighted):
    dense = torch.tensor(normalised(weighted.toarray()), dtype=torch.float32)
    x = torch.randn(40, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.randn(40, 7, generator=torch.Generator().manual_seed(1))
    got = Neighbourhoods.from_scipy(weighted).propagate(x)
    torch.testing.assert_close(got, dense @ x)
    torch.testing.assert_close(torch.autograd.grad((got * weight).sum(), x)[0], dense @ weight)


def test_a_cell_without_neighbours_and_loop_gets_nothing():
    graph = Neighbourhoods.from_scipy(sp.csr_matrix(np.diag([1.0, 0.0, 1.0])))
    assert graph.propagate(torch.ones(3, 2)).tolist() == [[1, 1], [0, 0], [1, 1]]
    assert graph.row_shares.tolist() == [1, 1]


def test_messages_per_edge_sum_to_the_sparse_product(weighted):
    graph = Neighbourhoods.from_scipy(weighted)
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    for _, part in graph.blocks(50):
        torch.testing.assert_close(part.sums(part.weight, x), part.gathered_sums(part.weight, x))


def test_dropped_edges_go_in_both_directions_and_loops_stay(adjacency):
    graph = Neighbourhoods.from_scipy(adjacency)
    dropped = graph.with_dropped_edges(0.4, torch.Generator().manual_seed(0))
    dense = dropped.sparse(dropped.weight).to_dense()
    assert torch.equal(dense, dense.t()) and (dense.diagonal() == 1).all()
    whole = graph.sparse(graph.weight).to_dense()
    assert ((dense == 0) | (dense == whole)).all()
    kept = (dense.sum() - 40) / (whole.sum() - 40)
    assert 0.45 < kept < 0.75
    # normalised by the degrees that are left
    values = dropped.sparse(dropped.normalised).to_dense()
    np.testing.assert_allclose(values, normalised(dense.numpy()), atol=1e-6)


def test_no_edge_is_dropped_at_probability_zero(weighted):
    graph = Neighbourhoods.from_scipy(weighted)
    same = graph.with_dropped_edges(0.0, torch.Generator().manual_seed(0))
    assert torch.equal(same.weight, graph.weight)


def test_a_pruned_graph_is_that_of_the_edges_that_are_left(weighted):
    dropped = Neighbourhoods.from_scipy(weighted).with_dropped_edges(
        0.4, torch.Generator().manual_seed(0)
    )
    left = sp.csr_matrix(dropped.sparse(dropped.weight).to_dense().numpy())
    expected, found = Neighbourhoods.from_scipy(left), dropped.pruned()
    assert len(found.weight) < len(dropped.weight)
    for name in ("edge_index", "indptr", "weight", "reverse"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
