"""The method as a whole: finds planted structure, repeats, takes any number of modalities."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from planted import cells_of, oversampled
from sklearn.metrics import adjusted_rand_score
from spclust_cells import SETTINGS, graphs_of, run

from spclust.data.models import Model
from spclust.errors import UserError
from spclust.methods import running
from spclust.methods.spclust import spclust as recipe
from spclust.methods.task import Machine, Task
from spclust.nn import encoders
from spclust.stages.simulate import simulate_tissue

# sha256 of the labels that the code before it took several modalities (commit 4275683) gave for
# `tiny_slice`, one thread, on one CPU: the move was to change no byte of them
GOLDEN = {
    "exact": "587e2a7501715eb6447b6f0720a6e0fcd512368d49917e504207cc948fb124c5",
    "stochastic": "89c76daaf46265654be579cc1dbe9b7080bb31c0268d294133eb5fc46f47de07",
}


def tiny_slice():
    """A small simulated tissue with synthetic cells and first labels of which a third is wrong."""
    tissue, rng = simulate_tissue(240, 12, 1, noise=0.5, seed=3), np.random.default_rng(3)
    x = np.log1p(np.asarray(tissue.X, dtype=np.float64))
    x = (x - x.mean(0)) / x.std(0)
    places, parents = tissue.obsm["spatial"], rng.integers(240, size=(60, 2))
    x, places = (np.concatenate([v, v[parents].mean(1)]) for v in (x, places))
    first = tissue.obs["cell_type"].cat.codes.to_numpy(np.int64)
    first = np.concatenate([first, first[parents[:, 0]]])
    wrong = rng.random(300) < 0.3
    first[wrong] = rng.integers(7, size=wrong.sum())
    return replace(cells_of(x, places), pseudolabels=first, parents=parents)


@pytest.mark.parametrize("mode", GOLDEN)
def test_the_labels_of_the_tiny_slice_are_those_of_old(mode):
    cells = tiny_slice()
    changes = {"pretrain_epochs": 15, "epochs": 20, "batch_cells": 150, "anchors": 60}
    found = run((cells, graphs_of(cells, 8), None), 42, 7, mode=mode, **changes)
    assert hashlib.sha256(found.labels.astype(np.int64).tobytes()).hexdigest() == GOLDEN[mode]


def test_finds_planted_clusters_whatever_the_pseudolabels(planted):
    result = run(planted)
    assert adjusted_rand_score(planted[2][:280], result.labels) > 0.9


def test_two_modalities_find_what_neither_could_alone(two_modalities):
    cells, _, truth = two_modalities
    result = run(two_modalities, epochs=40)
    assert adjusted_rand_score(truth[:280], result.labels) > 0.9
    views = ["expression/rna", "expression/adt", "spatial"]
    assert list(result.per_cell["fusion"]) == views
    np.testing.assert_allclose(result.per_cell["fusion"].sum(axis=1), 1, rtol=1e-5)
    importance = result.tables["importance"]
    assert list(importance)[1:] == list(cells.feature_names) and len(importance) == 3
    assert importance["rna:rna0"].nunique() == 3
    np.testing.assert_allclose(np.linalg.norm(result.embedding, axis=1), 1, rtol=1e-5)
    assert run(two_modalities, epochs=40).labels.tobytes() == result.labels.tobytes()


def test_labels_all_rows_and_keeps_the_measured_ones(planted):
    cells, graphs, _ = planted
    settings = SETTINGS | {"epochs": 1, "pretrain_epochs": 1}
    task = Task(cells, 3, 1, settings, "mine", graphs, Machine("cpu"))
    result = recipe.cluster(task)
    rows = [result.labels, result.confidence, result.embedding, result.per_cell["fusion"]]
    assert {len(values) for values in rows} == {300}
    result = run(planted, epochs=1, pretrain_epochs=1)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 280
    assert list(result.per_cell["fusion"]) == ["expression", "spatial"]
    assert len(result.per_cell["fusion"]) == 280
    assert ((result.confidence > 1 / 3 - 1e-6) & (result.confidence <= 1)).all()
    assert result.cost["mode"] == "exact" and result.cost["seconds"] > 0


def test_same_seed_same_bytes_and_other_seed_other_bytes(planted):
    first, again, other = run(planted), run(planted), run(planted, seed=2)
    assert first.embedding.tobytes() == again.embedding.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_history_has_a_row_per_epoch_and_the_loss_falls(planted):
    history = run(planted).tables["history"]
    train = history[history.phase == "train"]
    assert len(history) == 40 and list(train.epoch) == list(range(1, 21))
    assert train.loss.iloc[-1] < train.loss.iloc[0]
    refreshed = train[train.changed_labels.notna()].epoch
    assert list(refreshed) == [10, 20]


def test_frozen_importance_stays_at_one(planted):
    result = run(planted, learn_importance=False, epochs=3)
    assert (result.weights["importances.0"] == 1).all()
    assert "importance" not in result.tables  # nothing to show


def test_literal_learnable_weights_drive_the_third_below_zero(planted):
    def gammas(**changes):
        return run(planted, epochs=15, **changes).weights["gammas"]

    assert gammas(learn_weights=True)[2] < 0
    assert gammas()[2] == pytest.approx(0.01)


def test_the_embedding_does_not_depend_on_the_blocks_of_a_pass(planted, monkeypatch):
    whole = run(planted)
    monkeypatch.setattr(encoders, "BLOCK_EDGES", 500)
    in_blocks = run(planted)
    assert np.array_equal(whole.labels, in_blocks.labels)
    np.testing.assert_allclose(whole.embedding, in_blocks.embedding, atol=1e-4)


@pytest.mark.parametrize("fixture", ["planted", "two_modalities"])
def test_a_stored_model_labels_its_own_cells_as_the_training_did(fixture, request, tmp_path):
    cells, graphs, _ = given = request.getfixturevalue(fixture)
    trained = run(given, epochs=40)
    trained.model.save(tmp_path / "model")
    model = Model.load(tmp_path / "model")
    # neither synthetic cells nor places
    cells = cells.original()
    graphs = graphs_of(cells, kinds=("expression",))
    found = running.predict(model, cells, graphs, Machine("cpu"))
    assert (found.labels == trained.labels).mean() > 0.95
    assert found.embedding.shape == trained.embedding.shape
    assert ((found.confidence > 1 / 3 - 1e-6) & (found.confidence <= 1)).all()


def test_cells_of_another_slice_are_labelled_alike(planted):
    cells, _, truth = planted
    trained = run(planted, epochs=40)
    names = [np.bincount(trained.labels[truth[:280] == t]).argmax() for t in range(3)]
    rng = np.random.default_rng(9)
    types = rng.choice(3, size=200, p=[0.2, 0.2, 0.6])
    x = rng.normal(size=(200, 10))
    x[np.arange(200), types] += 4
    other = cells_of(x)
    found = running.predict(trained.model, other, graphs_of(other), Machine("cpu"))
    assert (found.labels == np.array(names)[types]).mean() > 0.95


def test_a_cluster_that_nobody_is_in_is_no_first_guess(planted):
    trained = run(planted, epochs=10, pretrain_epochs=5)
    weights = trained.weights | {"class_means": trained.weights["class_means"].copy()}
    weights["class_means"][1] = np.nan
    cells, graphs, _ = planted
    machine = Machine("cpu")
    settings = SETTINGS | {"epochs": 10, "pretrain_epochs": 5}
    task = Task(cells, 3, 1, settings, "mine", graphs, machine)
    assert len(recipe.predict(weights, task).labels) == 300


def test_more_clusters_than_cells_is_refused(planted):
    with pytest.raises(UserError, match="281 clusters were asked of 280 cells; lower it"):
        run(planted, n_clusters=281)


def test_widths_that_heads_do_not_divide_are_refused(planted):
    with pytest.raises(UserError, match="method.mine: .*15.*multiple of heads"):
        run(planted, hidden_dims=[16, 15])


@pytest.mark.parametrize(
    "kind,setting", [("expression", "expression_space"), ("spatial", "spatial_graph")]
)
def test_a_graph_that_is_not_there_is_named_with_its_setting(planted, kind, setting):
    cells, graphs, truth = planted
    edges = {name: graph for name, graph in graphs.edges.items() if name != kind}
    with pytest.raises(UserError, match=f"needs a graph of kind {kind}.*{setting} is not none"):
        run((cells, replace(graphs, edges=edges), truth))


def test_a_loss_that_is_no_number_names_the_settings_of_the_run(planted):
    wanted = r"lower method.mine.lr or method.mine.pretrain_lr, or raise method.mine.temperature"
    with pytest.raises(UserError, match=wanted):
        run(planted, pretrain_lr=1e30)


def test_one_cluster_is_no_error(planted):
    cells, graphs, truth = planted
    cells = replace(cells, pseudolabels=np.zeros(300, dtype=np.int64))
    result = run((cells, graphs, truth), n_clusters=1, epochs=2, pretrain_epochs=1)
    assert set(result.labels) == {0}


def test_batches_of_many_cells_find_the_planted_clusters(planted):
    cells = oversampled(planted[0].original(), 120)
    cells = replace(cells, pseudolabels=np.resize([0, 1, 2], len(cells)))
    given = cells, graphs_of(cells), planted[2]
    result = run(given, mode="stochastic", batch_cells=200, anchors=100, epochs=40)
    assert result.cost["mode"] == "stochastic"
    assert adjusted_rand_score(planted[2][:280], result.labels) > 0.9
