"""Matching of cluster ids to reference ids."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spclust.clustering.matching import match_clusters, match_labels


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_matching_undoes_a_renaming(permutation, labels):
    labels, permutation = np.array(labels), np.array(permutation)
    renamed = permutation[labels]
    assert np.array_equal(match_labels(renamed, labels, 5)[renamed], labels)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_matching_is_a_permutation(pairs):
    a, b = np.array(pairs).T
    assert sorted(match_labels(a, b, 4)) == [0, 1, 2, 3]


def test_of_nothing_nothing_is_matched():
    assert match_clusters(np.array([0, 1]), [None, None]) == {}
