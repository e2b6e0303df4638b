"""Baselines and controls through the one interface, on original and on oversampled cells."""

from dataclasses import replace

import numpy as np
import pytest
from planted import cells_of, graphs_for, oversampled, reference_of, run
from sklearn.metrics import adjusted_rand_score

from spclust.data.models import Model
from spclust.errors import UserError
from spclust.methods import kmeans, running
from spclust.methods.task import Clustering
from spclust.stages.oversample import SpaCSMOTE

SEE_SYNTHETIC = ("leiden", "kmeans", "ward")
BASELINES = (*SEE_SYNTHETIC, "consensus", "random", "truth")


@pytest.fixture(scope="module")
def planted():
    """Cells and the type of each as a number."""
    rng = np.random.default_rng(0)
    types = rng.permutation(np.repeat([0, 1, 2], [160, 60, 30]))
    x = rng.normal(size=(250, 6)) + 8 * np.eye(6)[types]
    images = np.array(["a", "b"])[rng.integers(2, size=250)]
    return cells_of(x, image=images), types


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.fixture(scope="module")
def reference(planted):
    return reference_of(*planted)


@pytest.fixture(scope="module")
def balanced(planted):
    return SpaCSMOTE(random_state=0).balance(*planted)


def check(result, cells):
    assert result.labels.shape == result.confidence.shape == (250,)
    assert result.labels.dtype.kind == "i" and set(result.labels) <= {0, 1, 2}
    assert (result.confidence >= 0).all() and (result.confidence <= 1).all()
    assert np.array_equal(result.embedding, cells.features["protein"])
    assert list(result.ids) == list(cells.ids)


@pytest.mark.parametrize("name", BASELINES)
def test_original_cells_get_labels_that_find_types_that_differ(cells, reference, name):
    result = run(name, cells, reference=reference)
    check(result, cells)
    ari = adjusted_rand_score(reference, result.labels)
    assert ari < 0.1 if name == "random" else ari > 0.95


@pytest.mark.parametrize("name", SEE_SYNTHETIC)
def test_oversampled_cells_help_and_are_left_out_of_the_results(cells, balanced, reference, name):
    assert len(balanced) == 480
    result = run(name, balanced)
    check(result, cells)
    assert adjusted_rand_score(reference, result.labels) > 0.95


@pytest.mark.parametrize("name", BASELINES)
def test_a_seed_repeats(cells, reference, name):
    first, second = (run(name, cells, seed=3, reference=reference) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("name", SEE_SYNTHETIC)
def test_baselines_see_the_synthetic_cells(cells, balanced, name):
    # far synthetic cells must move the clusters of the original ones
    x = balanced.features["protein"].copy()
    x[len(cells) :] += 100
    moved = replace(balanced, features={"protein": x})
    assert not np.array_equal(run(name, moved).labels, run(name, cells).labels)


def test_clusters_of_several_images_are_found_together(cells):
    # the same cells in one image are the same clusters: expression knows no images
    one = replace(cells, image=np.full(250, "a", dtype=object))
    for name in SEE_SYNTHETIC:
        assert np.array_equal(run(name, one).labels, run(name, cells).labels)


def test_leiden_takes_its_graph_and_its_groups_from_the_stage(cells):
    apart = graphs_for("leiden", cells, expression_within="image")
    joined = graphs_for("leiden", cells)
    one, other = (run("leiden", cells, n_clusters=6, graphs=g) for g in (apart, joined))
    assert not np.array_equal(one.labels, other.labels)
    assert not np.array_equal(one.confidence, other.confidence)


def test_a_graph_that_the_setting_does_not_make_is_asked_for(cells):
    spatial = graphs_for("leiden", cells, expression_space="none", spatial_graph="knn")
    with pytest.raises(UserError, match=r"graphs\.<name>\.expression_space: the method needs the "):
        run("leiden", cells, graphs=spatial)


def test_confidence_of_the_controls_is_what_they_know(cells, reference):
    assert (run("random", cells).confidence == 1 / 3).all()
    assert (run("truth", cells, reference=reference).confidence == 1).all()


def test_the_truth_is_the_reference_and_cells_without_a_label_join_the_nearest(cells, reference):
    assert reference.value_counts().index.tolist() == ["type_0", "type_1", "type_2"]
    expected = reference.str[-1].astype(int)
    blank = reference.copy()
    blank.iloc[:20] = np.nan
    for given in (reference, blank):
        assert np.array_equal(run("truth", cells, reference=given).labels, expected)


def test_the_truth_needs_labels(cells, reference):
    blank = reference.where(reference == "none of them")
    with pytest.raises(UserError, match="key `label`"):
        run("truth", cells, reference=blank)


@pytest.mark.parametrize("name", SEE_SYNTHETIC)
def test_synthetic_cells_do_not_count_towards_the_number_of_clusters(balanced, name):
    with pytest.raises(UserError, match="300 clusters were asked of 250 cells"):
        run(name, balanced, n_clusters=300)


@pytest.mark.parametrize("name", ["leiden", "kmeans", "ward", "random"])
def test_one_cluster_holds_all_cells_for_sure(cells, name):
    result = run(name, cells, n_clusters=1)
    assert not result.labels.any() and (result.confidence == 1).all()


def test_kmeans_labels_as_its_stored_centres_say(cells):
    both = oversampled(cells)
    result = run("kmeans", both, n_clusters=5)
    centres = result.model.weights["centres"]
    assert centres.shape == (5, 6) and centres.dtype == np.float32
    distances = np.linalg.norm(cells.matrix[:, None] - centres, axis=2)
    assert np.array_equal(result.labels, distances.argmin(1))


def test_kmeans_labels_other_cells_by_a_model_read_from_disk(cells, tmp_path):
    result = run("kmeans", cells, n_clusters=4)
    result.model.save(tmp_path / "model")
    model = Model.load(tmp_path / "model")
    same = running.predict(model, cells)
    assert same.labels.tobytes() == result.labels.tobytes()
    assert np.array_equal(same.confidence, result.confidence)
    some = np.arange(0, 250, 7)
    part = running.predict(model, cells.take(some))
    assert np.array_equal(part.labels, result.labels[some])
    assert list(part.ids) == list(cells.ids[some])


def test_fewer_distinct_cells_than_clusters_are_labelled_alike_again(cells):
    twins = replace(cells, features={"protein": np.tile(cells.matrix[:2], (125, 1))})
    result = run("kmeans", twins, n_clusters=3)
    assert len(np.unique(result.labels)) == 2
    assert np.array_equal(running.predict(result.model, twins).labels, result.labels)


def test_an_empty_cluster_is_told_and_earlier_seconds_are_added(cells, monkeypatch, caplog):
    def two_of_three(task):
        n = len(task.cells)
        cost = {"seconds_before": 1000.0, "memory_before": 1e6}
        return Clustering(np.arange(n) % 2, np.ones(n), task.cells.matrix, cost=cost)

    monkeypatch.setattr(kmeans, "cluster", two_of_three)
    result = run("kmeans", cells)
    assert "1 of 3 clusters were left empty" in caplog.text
    assert 1000 <= result.cost["seconds"] < 1100 and result.cost["peak_memory_mb"] == 1e6
    assert not {"seconds_before", "memory_before"} & set(result.cost)
