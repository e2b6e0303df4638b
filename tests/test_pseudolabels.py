"""First labels and the number of clusters; Leiden on the paper's slice as published."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from spclust import pseudolabels
from spclust.errors import UserError

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
METHODS = ("leiden", "kmeans", "ward", "random", "truth")


def slice_of(sizes=(150, 80, 40), n_images=1, distance=8.0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    x = rng.normal(size=(len(y), 8)) + distance * np.eye(8)[y]
    obs = pd.DataFrame(
        {
            "image": pd.Categorical([f"image_{i}" for i in rng.integers(n_images, size=len(y))]),
            "label": pd.Categorical([f"type_{c}" for c in y]),
        },
        index=[f"cell_{i}" for i in range(len(y))],
    )
    return anndata.AnnData(x.astype(np.float32), obs=obs), y


def assign(cells, n_clusters=3, method="leiden", seed=0):
    return pseudolabels.assign(cells, n_clusters, seed, method, n_neighbors=15)


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_whole_numbers_from_zero_and_repeatable(method):
    cells, _ = slice_of(n_images=2)
    labels = assign(cells, method=method)
    assert labels.dtype.kind == "i" and labels.shape == (270,)
    assert set(labels) == {0, 1, 2}
    assert np.array_equal(labels, assign(cells, method=method))


@pytest.mark.parametrize("method", ["leiden", "kmeans", "ward", "truth"])
def test_types_that_differ_are_found_with_the_largest_first(method):
    cells, y = slice_of(n_images=2)
    assert np.array_equal(assign(cells, method=method), y)


def test_random_labels_follow_the_seed_and_nothing_else():
    cells, y = slice_of()
    labels = assign(cells, method="random")
    assert not np.array_equal(labels, assign(cells, method="random", seed=1))
    assert abs(adjusted_rand_score(labels, y)) < 0.05


def test_labels_decide_nothing_but_the_truth():
    cells, _ = slice_of()
    blank = cells.copy()
    del blank.obs["label"]
    for method in ("leiden", "kmeans", "ward", "random"):
        assert np.array_equal(assign(cells, method=method), assign(blank, method=method))


def test_truth_gives_unlabelled_cells_the_nearest_class(caplog):
    cells, y = slice_of()
    cells.obs.loc[cells.obs_names[::10], "label"] = np.nan
    with caplog.at_level("INFO", logger="spclust"):
        labels = assign(cells, method="truth")
    assert np.array_equal(labels, y)
    assert "27 cells without a label take that of the nearest class mean" in caplog.text


def test_truth_of_one_class_takes_in_all():
    cells, _ = slice_of((30,))
    cells.obs.loc[cells.obs_names[:5], "label"] = np.nan
    assert not assign(cells, 1, "truth").any()


@pytest.mark.parametrize("remove", ["column", "values"])
def test_truth_needs_labels(remove):
    cells, _ = slice_of()
    if remove == "column":
        del cells.obs["label"]
    else:
        cells.obs["label"] = np.nan
    with pytest.raises(UserError, match="`truth` needs reference labels.*key `label`"):
        assign(cells, method="truth")


def test_truth_with_more_classes_than_clusters_is_refused():
    cells, _ = slice_of()
    with pytest.raises(UserError, match="3 classes, but n_clusters is 2.*from_labels"):
        assign(cells, 2, "truth")


@pytest.mark.parametrize("method", METHODS)
def test_more_clusters_than_cells_are_refused(method):
    cells, _ = slice_of((4, 3))
    with pytest.raises(UserError, match="8 clusters were asked of 7 cells; lower n_clusters"):
        assign(cells, 8, method)


@pytest.mark.parametrize("method", ["leiden", "kmeans", "ward", "random"])
def test_one_cluster_and_as_many_clusters_as_cells_are_taken(method):
    cells, _ = slice_of((5, 3))
    assert not assign(cells, 1, method).any()
    if method != "random":
        assert sorted(assign(cells, 8, method)) == list(range(8))


def choose(cells, n_clusters):
    return pseudolabels.choose_n_clusters(cells, n_clusters, seed=0)


def test_a_number_is_taken_as_it_is():
    assert choose(slice_of()[0], 4) == (4, "given")


def test_labels_are_counted_without_those_not_scored():
    cells, _ = slice_of()
    assert choose(cells, "from_labels")[0] == 3
    cells.obs.loc[cells.obs["label"] == "type_2", "label"] = np.nan
    assert choose(cells, "from_labels")[0] == 2


def test_labels_that_are_not_there_cannot_be_counted():
    cells, _ = slice_of()
    del cells.obs["label"]
    with pytest.raises(UserError, match="from_labels.*key `label`.*number or auto"):
        choose(cells, "from_labels")


def test_a_number_beyond_the_cells_is_refused():
    with pytest.raises(UserError, match="n_clusters: 500 clusters were asked of 270 cells"):
        choose(slice_of()[0], 500)


@pytest.mark.parametrize("n_images", [1, 2])
def test_auto_finds_how_many_types_there_are_without_labels(n_images):
    cells, _ = slice_of((200, 120, 80, 60), n_images)
    del cells.obs["label"]
    number, how = choose(cells, "auto")
    assert number == 4 and how.startswith("auto")
    assert choose(cells, "auto") == (number, how)


def test_auto_works_on_a_sample_of_a_large_image(monkeypatch):
    monkeypatch.setattr(pseudolabels, "AUTO_CELLS", 200)
    assert choose(slice_of((300, 200, 100))[0], "auto")[0] == 3


@pytest.mark.parametrize("n", [2, 3, 6])
def test_auto_of_a_handful_of_cells_is_a_sane_number(n):
    cells, _ = slice_of((n,))
    assert 1 <= choose(cells, "auto")[0] <= n


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data, the paper's slice, is not here")
def test_leiden_on_the_papers_slice_is_as_good_as_published():
    """DKD_000 with the settings of Table B2: ACC near 0.93, ARI near 0.85."""
    from spclust import metrics
    from spclust.preprocess import preprocess

    cells = anndata.read_h5ad(DATA / "dkd_codex_000.h5ad")
    cells = cells[cells.obs["cell_type"] != "SCGP_-1"].copy()
    assert cells.n_obs == 5369
    cells.obs["image"] = "DKD_000"
    cells = preprocess(cells, "total", 1.0, 5.0, True, True, 10.0)
    truth = cells.obs["cell_type"].to_numpy()
    expected = {"leiden": (0.93, 0.855), "kmeans": (0.79, 0.759)}
    for method, (accuracy, ari) in expected.items():
        labels = pseudolabels.assign(cells, 5, 42, method, n_neighbors=25)
        matched = pd.Series(labels).map(metrics.match_clusters(labels, truth)).to_numpy()
        assert adjusted_rand_score(truth, labels) == pytest.approx(ari, abs=0.02)
        assert np.mean(matched == truth) == pytest.approx(accuracy, abs=0.02)
