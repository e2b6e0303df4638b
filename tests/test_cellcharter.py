"""CellCharter-style clustering: finds domains that single cells do not show, within images."""

import numpy as np
import pytest
from planted import METHODS, expression_types, oversampled, spatial_domains
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, METHODS["cellcharter"] | changes)


def ari(cells, result):
    return adjusted_rand_score(cells.obs["label"], result.labels)


@pytest.fixture(scope="module")
def cells():
    return spatial_domains(0)


def test_it_finds_domains_that_cells_alone_do_not_show(cells):
    result = run(cells)
    assert ari(cells, result) > 0.7 > 0.4 > ari(cells, run(cells, hops=0))
    assert result.embedding.shape == (600, 40) and not result.tables


def test_it_finds_expression_types_that_mix():
    cells = expression_types(0)
    assert ari(cells, run(cells)) > 0.9


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
    other = (cells.obs["image"] == "b").to_numpy()
    changed = cells.copy()
    changed.X[other] += 50
    settings = {"pca_components": 12}
    before, after = (run(c, **settings).embedding for c in (cells, changed))
    assert np.array_equal(before[~other], after[~other])
    assert not np.array_equal(before[other], after[other])


def test_synthetic_cells_are_seen_but_get_no_labels(cells):
    result = run(oversampled(cells))
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 600
    assert not np.array_equal(result.embedding, run(cells).embedding)


def test_too_few_cells_for_the_covariances_are_warned_of(cells, caplog):
    assert set(run(cells[:100].copy()).labels) == {0, 1, 2}
    assert "100 cells are few for 3 covariances of 40 features; lower" in caplog.text
    caplog.clear()
    run(cells)
    assert "are few" not in caplog.text


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="601 clusters were asked of 600 cells"):
        run(cells, n_clusters=601)
