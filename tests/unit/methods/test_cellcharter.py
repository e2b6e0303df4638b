"""CellCharter-style clustering: finds domains that single cells do not show, within images."""

from dataclasses import replace

import numpy as np
import pytest
from planted import expression_types, graphs_for, oversampled, spatial_domains
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("cellcharter", cells, seed, n_clusters, **changes)


@pytest.fixture(scope="module")
def planted():
    return spatial_domains(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_finds_domains_that_cells_alone_do_not_show(planted):
    cells, reference = planted
    result = run(cells)
    alone = run(cells, hops=0)
    assert adjusted_rand_score(reference, result.labels) > 0.7
    assert adjusted_rand_score(reference, alone.labels) < 0.4
    assert result.embedding.shape == (600, 40) and not result.tables


def test_it_finds_expression_types_that_mix():
    cells, reference = expression_types(0)
    assert adjusted_rand_score(reference, run(cells).labels) > 0.9


@pytest.mark.parametrize("n_clusters", [1, 2, 5])
def test_the_asked_number_of_clusters_comes_out_largest_first(cells, n_clusters):
    sizes = np.bincount(run(cells, n_clusters=n_clusters).labels)
    assert len(sizes) == n_clusters and (sizes == sorted(sizes)[::-1]).all() and sizes.all()


def test_a_seed_repeats_to_the_byte(cells):
    first, second = run(cells, 3), run(cells, 3)
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.embedding.tobytes() == second.embedding.tobytes()


def test_confidence_is_a_posterior(cells):
    confidence = run(cells).confidence
    assert (confidence >= 1 / 3).all() and (confidence <= 1).all()


def test_features_reach_no_other_image(cells):
    # as many components as proteins: none is taken, which would mix all cells
    other = cells.image == "b"
    changed = replace(cells, features={"protein": cells.matrix + np.float32(50) * other[:, None]})
    settings = {"pca_components": 12}
    before, after = (run(c, **settings).embedding for c in (cells, changed))
    assert np.array_equal(before[~other], after[~other])
    assert not np.array_equal(before[other], after[other])


def test_its_card_asks_for_a_triangulation_less_its_longest_edges(cells):
    own, whole = (
        graphs_for("cellcharter", cells, **changes)["spatial"]
        for changes in ({}, {"longest_percentile": 100})
    )
    assert 0.985 < own.nnz / whole.nnz < 0.995
    graph = graphs_for("cellcharter", cells)
    assert set(graph.edges) == {"spatial"}
    assert np.array_equal(run(cells, graphs=graph).embedding, run(cells).embedding)


def test_synthetic_cells_are_seen_but_get_no_labels(cells):
    result = run(oversampled(cells))
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 600
    assert not np.array_equal(result.embedding, run(cells).embedding)


def test_too_few_cells_for_the_covariances_are_warned_of(cells, caplog):
    assert set(run(cells.take(slice(100))).labels) == {0, 1, 2}
    assert (
        "100 cells are few for 3 covariances of 40 features; lower "
        "method.cellcharter.pca_components or method.cellcharter.hops"
    ) in caplog.text
    caplog.clear()
    run(cells)
    assert "are few" not in caplog.text


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="601 clusters were asked of 600 cells"):
        run(cells, n_clusters=601)
