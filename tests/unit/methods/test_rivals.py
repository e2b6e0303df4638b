"""Rivals by other packages or by a few lines: FlowSOM, MOFA+, scimap's rescaling, Leiden on PCA."""

import numpy as np
import pytest
from planted import CARDS, expression_types, run, two_modalities
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import scimap_style


@pytest.fixture(scope="module")
def planted():
    return expression_types(0)


@pytest.mark.parametrize("name", ["leiden_pca", "scimap_style", "flowsom", "mofa"])
def test_they_find_types_and_repeat_for_a_seed(name, planted):
    package = {"flowsom": "flowsom", "mofa": "mofapy2"}.get(name)
    if package:
        pytest.importorskip(package, reason=f"the package {package} is not installed")
    cells, reference = planted
    before = np.random.get_state()[1].tolist()
    first, second = run(name, cells, 3), run(name, cells, 3)
    assert adjusted_rand_score(reference, first.labels) > 0.9
    assert first.labels.tobytes() == second.labels.tobytes()
    assert np.random.get_state()[1].tolist() == before


def test_a_gate_stands_at_one_half_between_both_populations():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(0, 0.1, 900), rng.normal(5, 0.1, 100)]
    found = scimap_style.gated(values, 0)
    assert found.min() == 0 and found.max() == 1
    assert (found[:900] < 0.5).all() and (found[900:] > 0.5).all()
    # the order of cells is kept, and no unit matters
    assert np.array_equal(
        np.argsort(found[900:950]),
        np.argsort(np.clip(values[900:950], *np.percentile(values, (1, 99)))),
    )
    np.testing.assert_allclose(scimap_style.gated(1000 * values + 7, 0), found, atol=1e-6)
    assert not scimap_style.gated(np.ones(10), 0).any()


def test_leiden_on_pca_differs_from_leiden_in_what_its_card_asks_for():
    own, plain = CARDS["leiden_pca"].stages, CARDS["leiden"].stages
    assert own["graphs"] == plain["graphs"] | {"expression_space": "pca"}
    assert own["preprocess"] == {"normalisation": "total", "target_sum": 10000.0, "scale": False}


def test_a_map_that_does_not_fit_is_refused(planted):
    pytest.importorskip("flowsom", reason="the package flowsom is not installed")
    with pytest.raises(UserError, match=r"100 nodes.*method\.flowsom\.side"):
        run("flowsom", planted[0].take(slice(60)))
    with pytest.raises(UserError, match="4 nodes"):
        run("flowsom", planted[0], n_clusters=5, side=2)


def test_factors_are_shared_by_modalities(planted):
    pytest.importorskip("mofapy2", reason="the package mofapy2 is not installed")
    cells = two_modalities(planted[0])
    for labels in ("kmeans", "leiden"):
        found = run("mofa", cells, n_factors=4, labels=labels)
        assert adjusted_rand_score(planted[1], found.labels) > 0.9
        assert found.embedding.shape == (400, 4)
