"""Graphs within groups and operations on sparse graphs, held against dense NumPy."""

import numpy as np
import pynndescent
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spclust.neighbours import knn as graphs


@st.composite
def points_in_groups(draw):
    """Points on a coarse grid (duplicates are common) and the image of each."""
    n = draw(st.integers(1, 40))
    points = draw(hnp.arrays(np.float64, (n, 2), elements=st.integers(0, 6).map(float)))
    return points, draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))


@st.composite
def adjacencies(draw):
    """Any square matrix of small non-negative numbers."""
    n = draw(st.integers(1, 12))
    return draw(hnp.arrays(np.float32, (n, n), elements=st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0])))


@settings(max_examples=80, deadline=None)
@given(points_in_groups(), st.integers(1, 8))
def test_a_knn_graph_is_symmetric_binary_and_within_groups(data, k):
    points, groups = data
    graph = graphs.knn_graph(points, groups, k)
    dense = graph.toarray()
    assert np.array_equal(dense, dense.T)
    assert set(np.unique(dense)) <= {0, 1}
    assert not dense.diagonal().any()
    assert not dense[groups[:, None] != groups[None]].any()
    # at least k neighbours each, or all there are
    enough = np.minimum(k, np.bincount(groups)[groups] - 1)
    assert (dense.sum(1) >= enough).all()
    again = graphs.knn_graph(points, groups, k)
    assert (graph != again).nnz == 0


@pytest.mark.slow
def test_many_cells_get_nearly_the_exact_neighbours_and_the_same_ones_again(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 8)).astype(np.float32)
    x[:40] = x[0]  # more copies of one cell than neighbours
    groups = np.repeat([0, 1], [900, 600])
    exact = graphs.nearest(x, 10)
    monkeypatch.setattr(graphs, "EXACT_CELLS", 500)
    found = graphs.nearest(x, 10, seed=3)
    assert found.shape == (1500, 10) and not (found == np.arange(1500)[:, None]).any()
    shared = [len(np.intersect1d(a, b)) for a, b in zip(exact[40:], found[40:])]
    assert np.mean(shared) > 9.0
    assert np.array_equal(found, graphs.nearest(x, 10, seed=3))
    graph = graphs.knn_graph(x, groups, 10)
    assert graph[:900, 900:].nnz == 0 and (np.diff(graph.indptr) >= 10).all()

    class LosesSome(pynndescent.NNDescent):
        @property
        def neighbor_graph(self):
            found, distance = super().neighbor_graph
            found[7, 5:] = -1
            return found, distance

    monkeypatch.setattr(pynndescent, "NNDescent", LosesSome)
    again = graphs.nearest(x, 10, seed=3)
    assert (again >= 0).all() and np.array_equal(np.delete(again, 7, 0), np.delete(found, 7, 0))


@settings(max_examples=80, deadline=None)
@given(points_in_groups(), st.integers(1, 8))
def test_neighbours_are_the_nearest_of_the_group(data, k):
    points, groups = data
    seen = []
    for cells, neighbours in graphs.neighbours_within(points, groups, k):
        seen += cells.tolist()
        for cell, found in zip(cells, neighbours):
            others = np.flatnonzero((groups == groups[cell]) & (np.arange(len(points)) != cell))
            assert len(set(found)) == len(found) == min(k, len(others))
            assert set(found) <= set(others)
            distance = np.linalg.norm(points - points[cell], axis=1)
            # ties may fall either way, so distances are compared
            np.testing.assert_allclose(distance[found], np.sort(distance[others])[: len(found)])
    alone = np.bincount(groups)[groups] == 1
    assert sorted(seen) == np.flatnonzero(~alone).tolist()


@settings(max_examples=60, deadline=None)
@given(points_in_groups())
def test_members_are_the_rows_of_each_group_in_order(data):
    groups = data[1]
    expected = [np.flatnonzero(groups == group).tolist() for group in np.unique(groups)]
    assert [rows.tolist() for rows in graphs.members(groups)] == expected


def test_graphs_of_groups_are_joined_at_their_cells():
    blocks = [
        (np.array([0, 3]), sp.csr_matrix([[0, 2.0], [1, 0]])),
        (np.array([1, 4]), sp.csr_matrix([[0, 0], [5.0, 0]])),
    ]
    expected = np.zeros((5, 5))
    expected[0, 3], expected[3, 0], expected[4, 1] = 2, 1, 5
    assert np.array_equal(graphs.joined(blocks, 5).toarray(), expected)
    assert graphs.joined([], 3).shape == (3, 3) and graphs.joined([], 3).nnz == 0


@settings(max_examples=60, deadline=None)
@given(adjacencies())
def test_symmetrised_joins_where_either_direction_does(dense):
    before = dense.copy()
    result = graphs.symmetrised(sp.csr_matrix(dense)).toarray()
    expected = ((dense > 0) | (dense.T > 0)).astype(float)
    np.fill_diagonal(expected, 0)
    assert np.array_equal(result, expected)
    assert np.array_equal(dense, before)


def test_with_self_loops_every_cell_is_its_own_neighbour():
    graph = graphs.symmetrised(sp.csr_matrix(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])))
    assert np.array_equal(
        graphs.with_self_loops(graph).toarray(), [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    )


def test_statistics_count_edges_once_and_isolated_cells_as_components():
    dense = np.zeros((6, 6))
    dense[0, 1] = dense[1, 2] = dense[3, 4] = 1
    graph = graphs.symmetrised(sp.csr_matrix(dense))
    assert graphs.graph_statistics(graph) == {
        "cells": 6,
        "edges": 3,
        "components": 3,
        "isolated": 1,
    }
