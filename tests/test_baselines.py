"""Baselines and controls through the one interface, on original and on oversampled cells."""

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.methods import kmeans
from spclust.oversample import SpaCSMOTE

SETTINGS = {
    "leiden": {"recipe": "leiden", "n_neighbors": 15},
    "kmeans": {"recipe": "kmeans", "n_init": 5},
    "ward": {"recipe": "ward"},
    "random": {"recipe": "random"},
    "truth": {"recipe": "truth"},
}


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1, 2], [160, 60, 30]))
    x = rng.normal(size=(250, 6)) + 8 * np.eye(6)[y]
    obs = pd.DataFrame(
        {
            "image": pd.Categorical(np.array(["a", "b"])[rng.integers(2, size=250)]),
            "label": pd.Categorical([f"type_{c}" for c in y]),
            "pseudolabel": y,
        },
        index=[f"cell_{i}" for i in range(250)],
    )
    result = anndata.AnnData(x.astype(np.float32), obs=obs)
    result.obsm["spatial"] = rng.uniform(0, 100, size=(250, 2)).astype(np.float32)
    return result


@pytest.fixture(scope="module")
def balanced(cells):
    return SpaCSMOTE(random_state=0).fit_resample(cells)[0]


def cluster(cells, name, n_clusters=3, seed=0):
    return methods.cluster(cells, n_clusters, seed, SETTINGS[name])


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("oversampled", [False, True])
def test_results_are_for_the_original_cells(cells, balanced, name, oversampled):
    given = balanced if oversampled else cells
    assert given.n_obs == (480 if oversampled else 250)
    result = cluster(given, name)
    assert result.labels.shape == result.confidence.shape == (250,)
    assert result.labels.dtype.kind == "i" and set(result.labels) <= {0, 1, 2}
    assert (result.confidence >= 0).all() and (result.confidence <= 1).all()
    assert np.array_equal(result.embedding, cells.X)
    assert list(result.cells) == list(cells.obs_names)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_seed_repeats(cells, name):
    first, second = (cluster(cells, name, seed=3) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("oversampled", [False, True])
def test_all_but_the_random_control_find_types_that_differ(cells, balanced, name, oversampled):
    result = cluster(balanced if oversampled else cells, name)
    ari = adjusted_rand_score(cells.obs["label"], result.labels)
    assert ari < 0.1 if name == "random" else ari > 0.95


def test_baselines_see_the_synthetic_cells(cells, balanced):
    # far synthetic cells must move the clusters of the original ones
    moved = balanced.copy()
    moved.X[cells.n_obs :] += 100
    for name in ("leiden", "kmeans", "ward"):
        assert not np.array_equal(cluster(moved, name).labels, cluster(cells, name).labels)


def test_confidence_of_the_controls_is_what_they_know(cells):
    assert (cluster(cells, "random").confidence == 1 / 3).all()
    assert (cluster(cells, "truth").confidence == 1).all()


def test_the_truth_needs_labels(cells):
    blank = cells.copy()
    del blank.obs["label"]
    with pytest.raises(UserError, match="key `label`"):
        cluster(blank, "truth")


@pytest.mark.parametrize("name", SETTINGS)
def test_synthetic_cells_do_not_count_towards_the_number_of_clusters(balanced, name):
    with pytest.raises(UserError, match="300 clusters were asked of 250 cells"):
        cluster(balanced, name, n_clusters=300)


@pytest.mark.parametrize("name", ["leiden", "kmeans", "ward", "random"])
def test_one_cluster_holds_all_cells_for_sure(cells, name):
    result = cluster(cells, name, n_clusters=1)
    assert not result.labels.any() and (result.confidence == 1).all()


def test_an_empty_cluster_is_told_and_earlier_seconds_are_added(cells, monkeypatch, caplog):
    def two_of_three(cells, n_clusters, *_):
        labels = np.arange(cells.n_obs) % 2
        cost = {"seconds_before": 1000.0}
        return methods.Clustering(labels, np.ones(cells.n_obs), cells.X, cost=cost)

    monkeypatch.setattr(kmeans, "cluster", two_of_three)
    result = methods.cluster(cells, 3, 0, SETTINGS["kmeans"])
    assert "1 of 3 clusters were left empty" in caplog.text
    assert 1000 <= result.cost["seconds"] < 1100 and "seconds_before" not in result.cost
