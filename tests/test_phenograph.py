"""PhenoGraph-style clustering: finds expression types by shared neighbours, within images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from planted import METHODS, crossing, expression_types, oversampled
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.parts import graphs


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, METHODS["phenograph"] | changes)


@pytest.fixture(scope="module")
def cells():
    return expression_types(0)


def test_it_finds_expression_types_in_both_images(cells):
    result = run(cells)
    assert adjusted_rand_score(cells.obs["label"], result.labels) > 0.95
    assert np.array_equal(result.embedding, cells.X) and not result.tables
    assert (result.confidence > 0.5).mean() > 0.9


@pytest.mark.parametrize("n_clusters", [1, 2, 5, 8])
def test_the_asked_number_of_clusters_comes_out(cells, n_clusters):
    assert set(run(cells, n_clusters=n_clusters).labels) == set(range(n_clusters))


def test_a_seed_repeats_to_the_byte(cells):
    first, second = run(cells, 3), run(cells, 3)
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()


def test_where_cells_lie_does_not_matter(cells):
    moved = cells.copy()
    moved.obsm["spatial"] = cells.obsm["spatial"][::-1].copy()
    assert np.array_equal(run(moved).labels, run(cells).labels)


def test_synthetic_cells_are_seen_but_get_no_labels(cells):
    both = oversampled(cells)
    result = run(both)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400
    moved = both.copy()
    moved.X[400:] += 100
    assert not np.array_equal(run(moved).labels, result.labels)


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="401 clusters were asked of 400 cells"):
        run(cells, n_clusters=401)


@examples(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(1, 3), st.integers(2, 12), st.integers(0, 100))
def test_edges_weigh_the_jaccard_index_of_neighbour_lists(n, n_images, k, seed):
    rng = np.random.default_rng(seed)
    x, images = rng.normal(size=(n, 3)), rng.integers(n_images, size=n)
    lists = {}
    for rows, neighbours in graphs.neighbours_within(x, images, k):
        lists |= {row: set(near) for row, near in zip(rows, neighbours)}
    expected = np.zeros((n, n))
    for i, mine in lists.items():
        for j in mine:
            index = len(mine & lists[j]) / len(mine | lists[j])
            expected[i, j] += index / 2
            expected[j, i] += index / 2
    weights = graphs.shared_neighbours(x, images, k)
    assert crossing(weights, images) == 0
    np.testing.assert_allclose(weights.toarray(), expected, atol=1e-6)


def test_neighbour_lists_compare_the_same_in_parts(cells, monkeypatch):
    images = cells.obs["image"].to_numpy()
    whole = graphs.shared_neighbours(cells.X, images, 15)
    monkeypatch.setattr(graphs, "JACCARD_ROWS", 37)
    assert (graphs.shared_neighbours(cells.X, images, 15) != whole).nnz == 0
