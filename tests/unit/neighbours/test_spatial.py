"""Neighbourhoods in the tissue: what the triangulation's edges are, and means over hops."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import crossing
from scipy.sparse.csgraph import shortest_path

from spclust.neighbours import spatial


def scattered(n, n_images, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 100, size=(n, 2)), rng.integers(n_images, size=n)


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 60), st.integers(1, 3), st.integers(0, 100))
def test_a_triangulation_is_symmetric_and_within_images(n, n_images, seed):
    places, images = scattered(n, n_images, seed)
    graph = spatial.delaunay_graph(places, images)
    assert (graph != graph.T).nnz == 0 and not graph.diagonal().any()
    assert set(graph.data) <= {1} and crossing(graph, images) == 0
    alone = np.bincount(images)[images] == 1
    assert np.array_equal(np.diff(graph.indptr) == 0, alone)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 3), st.sampled_from([1.0, 20.0, 200.0]))
def test_a_radius_graph_joins_all_cells_of_an_image_within_the_radius(n, n_images, radius):
    places, images = scattered(n, n_images, n)
    places[:2] = places[0]  # two cells at one point
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= radius
    near &= images[:, None] == images[None]
    np.fill_diagonal(near, False)
    assert np.array_equal(spatial.radius_graph(places, images, radius).toarray(), near)


def test_cells_on_a_line_or_at_one_point_are_joined_to_their_nearest():
    line = np.column_stack([np.arange(5.0), np.zeros(5)])
    graph = spatial.delaunay_graph(line, np.zeros(5))
    assert graph[0].indices.tolist() == [1, 2] and graph[2, 1] and graph[2, 3]
    places = np.array([[0, 0], [0, 0], [0, 9], [9, 0], [9, 9]], dtype=float)
    assert spatial.delaunay_graph(places, np.zeros(5))[0, 1] == 1


def test_edges_are_as_long_as_cells_are_apart_and_zero_lengths_stay():
    places = np.array([[0, 0], [3, 4], [3, 4]], dtype=float)
    graph = sp.csr_matrix(np.ones((3, 3)) - np.eye(3))
    lengths = spatial.edge_lengths(graph, places)
    assert lengths.nnz == 6
    assert lengths.toarray().tolist() == [[0, 5, 5], [5, 0, 0], [5, 0, 0]]


def test_the_longest_edges_go_in_both_directions():
    places, images = scattered(200, 1, 0)
    places[0] = 1000, 1000  # its edges are the longest by far
    graph = spatial.delaunay_graph(places, images)
    pruned = spatial.without_long_edges(graph, places, 99)
    assert graph[0].nnz > 1 and pruned[0].nnz < graph[0].nnz
    assert (pruned != pruned.T).nnz == 0
    assert 0.98 <= pruned.nnz / graph.nnz < 1
    longest = spatial.edge_lengths(pruned, places).max()
    assert longest <= np.percentile(spatial.edge_lengths(graph, places).data, 99)
    assert (spatial.without_long_edges(graph, places, 100) != graph).nnz == 0


def test_no_edges_are_nothing_to_prune():
    graph = sp.csr_matrix((3, 3), dtype=np.float32)
    assert spatial.without_long_edges(graph, np.zeros((3, 2)), 99).nnz == 0


@pytest.mark.parametrize("hops", [0, 1, 2, 4])
def test_means_are_over_cells_that_no_shorter_path_reaches(hops):
    places, images = scattered(60, 2, 0)
    graph = spatial.delaunay_graph(places, images)
    x = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    steps = shortest_path(graph, unweighted=True)
    expected = [x]
    for hop in range(1, hops + 1):
        at_hop = steps == hop
        expected.append(at_hop @ x / np.maximum(at_hop.sum(1), 1)[:, None])
    means = spatial.hop_means(x, graph, hops)
    assert means.dtype == np.float32
    np.testing.assert_allclose(means, np.hstack(expected), atol=1e-5)


def test_a_cell_without_neighbours_has_means_of_zero():
    x = np.ones((3, 2), dtype=np.float32)
    means = spatial.hop_means(x, sp.csr_matrix((3, 3), dtype=np.float32), 2)
    assert means[:, :2].all() and not means[:, 2:].any()
