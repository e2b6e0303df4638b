"""The simulated tissue: known truth, imbalance, structure, and a fair difficulty."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import scale

from spclust.analyses import markers
from spclust.analyses import names as naming
from spclust.errors import UserError
from spclust.io.importing import import_cells
from spclust.knowledge import panel
from spclust.knowledge.signatures import lineage_of, read_signatures
from spclust.neighbours.knn import neighbours_within
from spclust.plan import datasets
from spclust.plan.stages import STAGES
from spclust.stages import simulate
from spclust.stages.preprocess import preparation

DEFAULTS = {
    key: schema["default"]
    for key, schema in datasets.load_schema("dataset")["properties"]["simulate"][
        "properties"
    ].items()
}
REGISTRY = Path(__file__).parents[3] / "config/datasets.yaml"
DEMO = DEFAULTS | yaml.safe_load(REGISTRY.read_text())["demo"]["simulate"]


@pytest.fixture(scope="module")
def tissue():
    return simulate.simulate_tissue(**DEFAULTS)


@pytest.fixture(scope="module")
def demo():
    return simulate.simulate_tissue(**DEMO)


def log_of(cells):
    return np.log(cells.to_df().astype(float))


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


def test_the_settings_and_the_function_have_the_same_defaults():
    given = inspect.signature(simulate.simulate_tissue).parameters.values()
    own = {p.name: p.default for p in given if p.default is not inspect.Parameter.empty}
    assert own and own == {name: DEFAULTS[name] for name in own}


def test_a_seed_makes_the_same_demo_again(demo):
    again = simulate.simulate_tissue(**DEMO)
    assert again.X.tobytes() == demo.X.tobytes() and again.obs.equals(demo.obs)


def test_types_and_proteins_of_the_demo_are_in_the_tables(demo):
    signatures, proteins = read_signatures(), panel.read_proteins()
    assert set(demo.obs["cell_type"]) == set(demo.uns["planted"]) <= set(signatures)
    assert set(demo.var_names) <= set(proteins.index)
    for kind, planted in demo.uns["planted"].items():
        of_type = {protein for marker in signatures[kind].positive for protein in marker}
        assert len(set(planted)) == 3 and set(planted) <= of_type
        assert signatures[kind].measured(set(demo.var_names)) is not None
    # no type needs a marker that one above it has and the panel lacks
    for kind in demo.uns["planted"]:
        wider = [signatures[w] for w in lineage_of(kind, signatures)]
        assert all(w.measured(set(demo.var_names)) is not None for w in wider)


def test_a_type_has_more_of_its_own_proteins_than_the_others_have(tissue, demo):
    for cells in (tissue, demo):
        of_type = log_of(cells).groupby(cells.obs["cell_type"], observed=True).mean()
        for kind, planted in cells.uns["planted"].items():
            assert (of_type.loc[kind, planted] > of_type[planted].median() + 0.3).all(), kind


def test_the_commonest_type_is_as_much_larger_as_asked(demo):
    counts = demo.obs["cell_type"].value_counts()
    assert counts.max() / counts.min() == pytest.approx(DEMO["imbalance"], rel=0.05)
    plain = simulate.simulate_tissue(**DEMO | {"imbalance": 1, "n_cells": 800})
    assert set(plain.obs["cell_type"].value_counts()) == {100}


def test_spill_over_raises_the_proteins_of_neighbours():
    clean, spilt = (
        simulate.simulate_tissue(**DEMO | {"spill_over": share, "staining": 0.0})
        for share in (0.0, 0.3)
    )
    kinds = (clean.obs["cell_type"] == "Epithelial cell").to_numpy()
    beside = np.zeros(clean.n_obs)
    images = clean.obs["sample"].cat.codes.to_numpy()
    for cells, near in neighbours_within(clean.obsm["spatial"], images, 6):
        beside[cells] = kinds[near].mean(axis=1)
    gain = (log_of(spilt) - log_of(clean))["PanCK"].to_numpy()
    assert gain[~kinds & (beside > 0.6)].mean() > gain[~kinds & (beside == 0)].mean() + 0.5


def test_markers_of_states_vary_within_a_type_and_are_not_in_the_panel(demo):
    log_x = log_of(demo)
    states = list(demo.var_names[-DEMO["state_markers"] :])
    chosen = panel.chosen(demo.var_names, "auto")
    assert sorted(demo.var_names[~chosen]) == sorted(states)
    plain = log_of(simulate.simulate_tissue(**DEMO | {"state_markers": 0}))
    of_type = (demo.obs["cell_type"] == "Epithelial cell").to_numpy()
    within = np.corrcoef(log_x.loc[of_type, states].T)
    together = within[np.triu_indices(3, 1)].mean()
    apart = within[:3, 3:].mean()
    assert together > apart + 0.15
    spread, usual = log_x.loc[of_type, states].std(), plain.loc[of_type].iloc[:, -6:].std()
    assert spread.mean() > usual.mean() + 0.05
    # and between types hardly at all
    means = log_x[states].groupby(demo.obs["cell_type"], observed=True).mean()
    assert means.drop(index=["Plasma cell", "Endothelial cell"]).std().max() < 0.25


def test_images_are_stained_apart(demo):
    def between(cells):
        """Spread over proteins of the difference between the two images, in one type."""
        epithelium = cells[cells.obs["cell_type"] == "Epithelial cell"]
        means = log_of(epithelium).groupby(epithelium.obs["sample"], observed=True).mean()
        return (means.iloc[0] - means.iloc[1]).std()

    plain = simulate.simulate_tissue(**DEMO | {"staining": 0.0})
    assert between(demo) > 1.5 * between(plain)
    assert between(simulate.simulate_tissue(**DEMO | {"staining": 0.6})) > 2 * between(demo)


def test_the_truth_of_the_demo_gets_its_own_names(demo, tmp_path):
    demo.write_h5ad(tmp_path / "cells.h5ad")
    data, labels = import_cells([tmp_path / "cells.h5ad"], {"min_label_size": 20})
    assert labels["scored"].all()
    cells = preparation.prepare(data, STAGES["preprocess"].defaults)
    types, codes = np.unique(labels["label"].astype(str), return_inverse=True)
    names = naming.name_clusters(
        markers.rank(cells, codes, importance=None),
        demo.obs["cell_type"].value_counts()[types].set_axis(range(len(types))),
    )
    assert list(names["type"]) == list(types)


@pytest.mark.parametrize(
    "asked", [{"n_proteins": 24}, {"n_proteins": 12, "names": "generic", "state_markers": 5}]
)
def test_too_few_proteins_are_refused(asked):
    with pytest.raises(UserError, match=r"simulate\.n_proteins: found .* ask for \d+ or more"):
        simulate.simulate_tissue(**DEMO | asked)


def test_proteins_beyond_the_known_ones_have_generic_names():
    cells = simulate.simulate_tissue(**DEMO | {"n_proteins": 33, "n_cells": 100})
    assert list(cells.var_names[24:27]) == ["protein_25", "protein_26", "protein_27"]
    assert cells.var_names.is_unique
