"""Weighted expression graphs, held against dense NumPy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spclust.neighbours import expression
from spclust.neighbours import knn as graphs


@st.composite
def points_in_groups(draw):
    """Points on a coarse grid (duplicates are common) and the image of each."""
    n = draw(st.integers(1, 40))
    points = draw(hnp.arrays(np.float64, (n, 2), elements=st.integers(0, 6).map(float)))
    return points, draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.integers(1, 3), st.integers(2, 20))
def test_umaps_weights_are_symmetric_and_within_groups(seed, n_groups, k):
    rng = np.random.default_rng(seed)
    x, groups = rng.normal(size=(60, 6)).astype(np.float32), rng.integers(n_groups, size=60)
    graph = expression.neighbour_weights(x, groups, k, seed)
    weights = graph.toarray()
    np.testing.assert_allclose(weights, weights.T)
    assert not weights[groups[:, None] != groups[None]].any()
    assert not weights.diagonal().any()
    assert (weights >= 0).all() and (weights.sum(1) > 0).all()
    # what a group gets does not depend on the others
    first = groups == groups[0]
    alone = expression.neighbour_weights(x[first], groups[first], k, seed)
    assert (graph[first][:, first] != alone).nnz == 0


@settings(max_examples=30, deadline=None)
@given(points_in_groups(), st.integers(1, 8))
def test_shared_neighbours_weigh_by_the_jaccard_index(data, k):
    points, groups = data
    lists = {}
    for cells, neighbours in graphs.neighbours_within(points, groups, k):
        lists |= {cell: set(found) for cell, found in zip(cells, neighbours)}
    expected = np.zeros((len(points),) * 2)
    for i, found in lists.items():
        for j in found:
            weight = len(found & lists[j]) / len(found | lists[j]) / 2
            expected[i, j] += weight
            expected[j, i] += weight
    weights = expression.shared_neighbours(points, groups, k).toarray()
    np.testing.assert_allclose(weights, expected, atol=1e-6)
