"""First labels and the number of clusters; Leiden on the paper's slice as published."""

import dataclasses

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from planted import cells_of, reference_of, votes_for
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.plan.stages import STAGES
from spclust.stages import pseudolabels

METHODS = ("leiden", "kmeans", "ward", "random", "truth")


def slice_of(sizes=(150, 80, 40), n_images=1, distance=8.0, seed=0):
    """Cells, their reference labels and types as numbers."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    x = rng.normal(size=(len(y), 8)) + distance * np.eye(8)[y]
    images = np.array([f"image_{i}" for i in rng.integers(n_images, size=len(y))], dtype=object)
    cells = cells_of(x, image=images)
    return cells, reference_of(cells, y), y


def assign(cells, reference=None, n_clusters=3, method="leiden", seed=0, within="cohort"):
    return pseudolabels.assign(cells, n_clusters, seed, method, 15, within, reference)


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_whole_numbers_from_zero_and_repeatable(method):
    cells, reference, _ = slice_of(n_images=2)
    labels = assign(cells, reference, method=method)
    assert labels.dtype.kind == "i" and labels.shape == (270,)
    assert set(labels) == {0, 1, 2}
    assert np.array_equal(labels, assign(cells, reference, method=method))


@pytest.mark.parametrize("method", ["leiden", "kmeans", "ward", "truth"])
def test_types_that_differ_are_found_across_images_with_the_largest_first(method, caplog):
    cells, reference, y = slice_of(n_images=2)
    assert np.array_equal(assign(cells, reference, method=method), y)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_first_labels_by_vote_are_those_of_the_stage():
    cells, _, y = slice_of()
    votes = votes_for("consensus", cells)
    found = pseudolabels.assign(cells, 3, 0, "vote", 15, "cohort", votes=votes)
    assert np.array_equal(found, y) and np.array_equal(found, votes.labels["vote"])


def test_first_labels_by_a_run_are_its_clusters_the_largest_first():
    cells, _, y = slice_of()
    given = 3 * (2 - y) + 1  # another order, and numbers left out
    found = pseudolabels.assign(cells, 3, 0, "run", 15, "cohort", clusters=given, run="other")
    assert np.array_equal(found, y)
    with pytest.raises(UserError, match=r"pseudolabels\.<name>\.run: other has 3 clusters, but"):
        pseudolabels.assign(cells, 2, 0, "run", 15, "cohort", clusters=given, run="other")


def test_leiden_within_images_shares_no_label_between_them():
    cells, _, y = slice_of((150, 100), n_images=2)
    labels = assign(cells, n_clusters=4, within="image")
    first = cells.image == "image_0"
    assert not set(labels[first]) & set(labels[~first])
    for inside in (first, ~first):
        assert adjusted_rand_score(labels[inside], y[inside]) == 1


@pytest.mark.parametrize("within", ["cohort", "image"])
def test_hundreds_of_tiny_images_are_one_dataset(within, caplog):
    cells, _, y = slice_of((300, 200, 100), n_images=120)
    labels = assign(cells, within=within)
    assert set(labels) == {0, 1, 2}
    if within == "cohort":
        assert np.array_equal(labels, y)
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == (0 if within == "cohort" else 1)


def test_leiden_sees_all_modalities():
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=300)
    halves = {
        m: (rng.normal(size=(300, 4)) + 9 * np.eye(4)[code]).astype(np.float32)
        for m, code in (("rna", y // 2), ("adt", y % 2))
    }
    cells = cells_of(halves["rna"])
    both = dataclasses.replace(cells, features=halves, names={m: np.arange(4) for m in halves})
    assert adjusted_rand_score(assign(both, n_clusters=4), y) == 1


def test_random_labels_follow_the_seed_and_nothing_else():
    cells, _, y = slice_of()
    labels = assign(cells, method="random")
    assert not np.array_equal(labels, assign(cells, method="random", seed=1))
    assert abs(adjusted_rand_score(labels, y)) < 0.05


def test_labels_decide_nothing_but_the_truth():
    cells, reference, _ = slice_of()
    for method in ("leiden", "kmeans", "ward", "random"):
        with_labels = assign(cells, reference, method=method)
        assert np.array_equal(with_labels, assign(cells, method=method))


def test_truth_gives_unlabelled_cells_the_nearest_class(caplog):
    cells, reference, y = slice_of()
    reference.iloc[::10] = np.nan
    with caplog.at_level("INFO", logger="spclust"):
        labels = assign(cells, reference, method="truth")
    assert np.array_equal(labels, y)
    assert "27 cells without a label take that of the nearest class mean" in caplog.text


def test_truth_of_one_class_takes_in_all():
    cells, reference, _ = slice_of((30,))
    reference.iloc[:5] = np.nan
    assert not assign(cells, reference, 1, "truth").any()


def test_truth_needs_labels():
    cells, reference, _ = slice_of()
    for none in (None, reference.where(reference == "unknown")):
        with pytest.raises(UserError, match="`truth` needs reference labels.*key `label`"):
            assign(cells, none, method="truth")


def test_truth_with_more_classes_than_clusters_is_refused():
    cells, reference, _ = slice_of()
    with pytest.raises(UserError, match="3 classes, but n_clusters is 2.*from_labels"):
        assign(cells, reference, 2, "truth")


@pytest.mark.parametrize("method", METHODS)
def test_more_clusters_than_cells_are_refused(method):
    cells, reference, _ = slice_of((4, 3))
    with pytest.raises(UserError, match="n_clusters: 8 clusters were asked of 7 cells; lower it"):
        assign(cells, reference, 8, method)


@pytest.mark.parametrize("method", ["leiden", "kmeans", "ward", "random"])
def test_one_cluster_and_as_many_clusters_as_cells_are_taken(method):
    cells, _, _ = slice_of((5, 3))
    assert not assign(cells, None, 1, method).any()
    if method != "random":
        assert sorted(assign(cells, None, 8, method)) == list(range(8))


choose = pseudolabels.choose_n_clusters


def test_a_number_is_taken_as_it_is():
    assert choose(slice_of()[0], 4) == (4, "given")


def test_labels_are_counted_without_those_not_scored():
    cells, reference, _ = slice_of()
    assert choose(cells, "from_labels", reference)[0] == 3
    assert choose(cells, "from_labels", reference.where(reference != "type_2"))[0] == 2


def test_labels_that_are_not_there_cannot_be_counted():
    with pytest.raises(UserError, match="from_labels.*key `label`.*number or auto"):
        choose(slice_of()[0], "from_labels")


def test_a_number_beyond_the_cells_is_refused():
    with pytest.raises(UserError, match="n_clusters: 500 clusters were asked of 270 cells"):
        choose(slice_of()[0], 500)


@pytest.mark.parametrize("n_images", [1, 2, 100])
def test_auto_finds_how_many_types_there_are_without_labels(n_images):
    cells = slice_of((200, 120, 80, 60), n_images)[0]
    number, how = choose(cells, "auto")
    assert number == 4 and how.startswith("auto")
    assert choose(cells, "auto") == (number, how)


def test_auto_counts_types_of_all_images():
    cells, _, y = slice_of((120, 100, 80), 1)
    cells.image[:] = np.where(y == 0, "large", "small")
    assert choose(cells, "auto")[0] == 3


def test_auto_works_on_a_sample_of_many_cells(monkeypatch, caplog):
    monkeypatch.setattr(pseudolabels, "AUTO_CELLS", 200)
    with caplog.at_level("INFO", logger="spclust"):
        assert choose(slice_of((300, 200, 100))[0], "auto")[0] == 3
    assert "a sample of 200 of the 600 cells" in caplog.text


@pytest.mark.parametrize("n", [2, 3, 6])
def test_auto_of_a_handful_of_cells_is_a_sane_number(n):
    assert 1 <= choose(slice_of((n,))[0], "auto")[0] <= n


def test_leiden_on_the_papers_slice_is_as_good_as_published(real_data):
    """DKD_000 with the settings of Table B2: ACC near 0.93, ARI near 0.85."""
    from spclust.analyses import metrics
    from spclust.stages.preprocess import preparation

    whole = anndata.read_h5ad(real_data / "dkd_codex_000.h5ad")
    whole = whole[whole.obs["cell_type"] != "SCGP_-1"].copy()
    assert whole.n_obs == 5369
    with mudata.set_options(pull_on_update=False):
        data = mudata.MuData({"protein": whole})
    data.obsm["spatial"] = whole.obsm["spatial"]
    data.obs["image"] = data.obs["slice"] = "DKD_000"
    cells = preparation.prepare(data, STAGES["preprocess"].defaults)
    truth = whole.obs["cell_type"].to_numpy()
    expected = {"leiden": (0.93, 0.855), "kmeans": (0.79, 0.759)}
    for method, (accuracy, ari) in expected.items():
        labels = pseudolabels.assign(cells, 5, 42, method, 25, "cohort")
        matched = pd.Series(labels).map(metrics.match_clusters(labels, truth)).to_numpy()
        assert adjusted_rand_score(truth, labels) == pytest.approx(ari, abs=0.02)
        assert np.mean(matched == truth) == pytest.approx(accuracy, abs=0.02)
