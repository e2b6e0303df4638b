"""PhenoGraph-style clustering: finds expression types by shared neighbours."""

from dataclasses import replace

import numpy as np
import pytest
from planted import crossing, expression_types, graphs_for, oversampled, run
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.neighbours import expression


@pytest.fixture(scope="module")
def planted():
    return expression_types(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_finds_expression_types_in_both_images(planted):
    cells, reference = planted
    result = run("phenograph", cells)
    assert adjusted_rand_score(reference, result.labels) > 0.95
    assert np.array_equal(result.embedding, cells.matrix) and not result.tables
    assert (result.confidence > 0.5).mean() > 0.9


@pytest.mark.parametrize("n_clusters", [1, 2, 5, 8])
def test_the_asked_number_of_clusters_comes_out(cells, n_clusters):
    labels = run("phenograph", cells, n_clusters=n_clusters).labels
    assert set(labels) == set(range(n_clusters))


def test_a_seed_repeats_to_the_byte(cells):
    first, second = (run("phenograph", cells, 3) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()


def test_where_cells_lie_and_in_which_image_does_not_matter(cells):
    moved = replace(cells, coordinates=cells.coordinates[::-1], image=cells.image[::-1])
    assert np.array_equal(run("phenograph", moved).labels, run("phenograph", cells).labels)


def test_its_card_asks_for_shared_neighbours_among_thirty(cells):
    graph = graphs_for("phenograph", cells)["expression"].toarray()
    distances = np.linalg.norm(cells.matrix[:, None] - cells.matrix, axis=2)
    np.fill_diagonal(distances, np.inf)
    lists = [set(row[:30]) for row in distances.argsort(1)]
    # cell 0: the mean over both directions of the Jaccard index of neighbour lists
    expected = np.zeros(400)
    for j in range(400):
        index = len(lists[0] & lists[j]) / len(lists[0] | lists[j])
        expected[j] = index * ((j in lists[0]) + (0 in lists[j])) / 2
    np.testing.assert_allclose(graph[0], expected, atol=1e-6)


def test_neighbour_lists_compare_the_same_in_parts(cells, monkeypatch):
    whole = graphs_for("phenograph", cells)["expression"]
    monkeypatch.setattr(expression, "BLOCK_ROWS", 37)
    assert (graphs_for("phenograph", cells)["expression"] != whole).nnz == 0


def test_neighbours_can_be_kept_within_images(cells):
    apart = graphs_for("phenograph", cells, expression_within="image")
    assert crossing(apart["expression"], cells.image) == 0
    assert crossing(graphs_for("phenograph", cells)["expression"], cells.image) > 0
    assert set(run("phenograph", cells, graphs=apart).labels) == {0, 1, 2}


def test_synthetic_cells_are_seen_but_get_no_labels(cells):
    both = oversampled(cells)
    result = run("phenograph", both)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400
    x = both.features["protein"].copy()
    x[400:] += 100
    moved = replace(both, features={"protein": x})
    assert not np.array_equal(run("phenograph", moved).labels, result.labels)


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="401 clusters were asked of 400 cells"):
        run("phenograph", cells, n_clusters=401)
