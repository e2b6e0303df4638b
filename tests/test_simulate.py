"""The simulated tissue: known truth, imbalance, structure, and a fair difficulty."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import scale

from spclust import datasets, simulate
from spclust.io.importing import import_cells

DEFAULTS = {
    key: schema["default"]
    for key, schema in datasets.load_schema("dataset")["properties"]["simulate"][
        "properties"
    ].items()
}


@pytest.fixture(scope="module")
def tissue():
    return simulate.simulate_tissue(**DEFAULTS)


def test_has_the_size_asked_for_and_names_every_cell_once(tissue):
    assert tissue.shape == (DEFAULTS["n_cells"], DEFAULTS["n_proteins"])
    assert tissue.obs["sample"].nunique() == DEFAULTS["n_images"]
    assert tissue.obs_names.is_unique and tissue.var_names.is_unique
    assert tissue.X.dtype == np.float32 and (tissue.X >= 0).all()


def test_types_are_imbalanced_and_the_rare_ones_large_enough_to_be_scored(tissue):
    shares = tissue.obs["cell_type"].value_counts(normalize=True)
    assert 0.4 < shares.iloc[0] < 0.5
    assert (shares < 0.05).sum() >= 2
    assert tissue.obs["cell_type"].value_counts().min() >= 50


def test_a_seed_makes_the_same_tissue_again_and_another_seed_another(tissue):
    again = simulate.simulate_tissue(**DEFAULTS)
    other = simulate.simulate_tissue(**DEFAULTS | {"seed": 1})
    np.testing.assert_array_equal(tissue.X, again.X)
    np.testing.assert_array_equal(tissue.obsm["spatial"], again.obsm["spatial"])
    assert not np.allclose(tissue.X, other.X)


def test_is_a_file_such_as_users_have(tissue, tmp_path):
    tissue.write_h5ad(tmp_path / "cells.h5ad")
    data, labels = import_cells([tmp_path / "cells.h5ad"], {})
    np.testing.assert_array_equal(data["protein"].X, tissue.X)
    assert labels["scored"].all() and len(labels) == tissue.n_obs
    assert data.obs["image"].nunique() == DEFAULTS["n_images"]


def test_types_of_small_structures_lie_among_their_own_kind(tissue):
    def own_neighbours(name):
        """Share of the six nearest cells of the image that are of the same type."""
        same = []
        for image in tissue.obs["sample"].cat.categories:
            cells = tissue[tissue.obs["sample"] == image]
            _, near = cKDTree(cells.obsm["spatial"]).query(cells.obsm["spatial"], k=7)
            types = cells.obs["cell_type"].to_numpy()
            same += list((types[near[:, 1:]] == types[:, None]).mean(1)[types == name])
        return np.mean(same) / (tissue.obs["cell_type"] == name).mean()

    assert own_neighbours("B cell") > 4
    assert own_neighbours("endothelium") > 4
    assert own_neighbours("macrophage") < 2


def test_clustering_is_neither_trivial_nor_hopeless(tissue):
    shares = np.log1p(tissue.X / tissue.X.sum(1, keepdims=True))
    n = tissue.obs["cell_type"].nunique()
    found = KMeans(n, n_init=5, random_state=0).fit_predict(scale(shares.astype(float)))
    assert 0.3 < adjusted_rand_score(tissue.obs["cell_type"], found) < 0.95


@pytest.mark.parametrize("changed", [{"n_images": 1}, {"n_images": 5, "n_cells": 100}])
def test_other_sizes_are_made_too(changed):
    cells = simulate.simulate_tissue(**DEFAULTS | changed)
    assert cells.n_obs == changed.get("n_cells", DEFAULTS["n_cells"])
    assert cells.obs["sample"].nunique() == changed["n_images"]
