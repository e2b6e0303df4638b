"""The method as a whole: finds planted structure, repeats, takes any number of modalities."""

import hashlib
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from planted import METHODS, cells_of, interrupted, oversampled
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.graph_files import Graphs
from spclust.methods import spclust as recipe
from spclust.models import Model
from spclust.parts import encoders, losses
from spclust.parts.batches import Batches
from spclust.parts.graphs import knn_graph
from spclust.parts.pairwise import Blocks
from spclust.parts.views import SpClust, expression_embedding
from spclust.simulate import simulate_tissue

SETTINGS = METHODS["spclust"]
CPU = torch.device("cpu")
# sha256 of the labels that the code before it took several modalities (commit 4275683) gave for
# `tiny_slice`, one thread, on one CPU: the move was to change no byte of them
GOLDEN = {
    "exact": "587e2a7501715eb6447b6f0720a6e0fcd512368d49917e504207cc948fb124c5",
    "stochastic": "89c76daaf46265654be579cc1dbe9b7080bb31c0268d294133eb5fc46f47de07",
}


def graphs_of(cells, n_neighbors=10, kinds=("expression", "spatial")):
    """Graphs as build_graphs makes them, in the space of the features as they are."""
    one, spaces = np.zeros(len(cells)), {"expression": cells.matrix}
    if len(cells.features) > 1:
        spaces |= {f"expression/{m}": x for m, x in cells.features.items()}
    edges = {name: knn_graph(x, one, n_neighbors) for name, x in spaces.items()}
    edges["spatial"] = knn_graph(cells.coordinates.astype(np.float64), one, n_neighbors)
    built = {
        "n_neighbors": n_neighbors, "expression_within": "cohort", "expression_weights": "binary",
    }  # fmt: skip
    return Graphs({k: g for k, g in edges.items() if k.startswith(kinds)}, spaces, built)


@pytest.fixture(scope="module")
def planted():
    """300 cells of three types, the last 20 synthetic; pseudo-labels at random."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [120, 100, 80])
    x = rng.normal(size=(300, 10)).astype(np.float32)
    x[np.arange(300), truth] += 4
    cells = cells_of(x, rng.random((300, 2)) + truth[:, None])
    parents = rng.integers(280, size=(20, 2))
    cells = replace(cells, pseudolabels=truth[rng.permutation(300)], parents=parents)
    return cells, graphs_of(cells), truth


@pytest.fixture(scope="module")
def two_modalities(planted):
    """The same in two modalities: one tells the first type from the others, one the last."""
    cells, _, truth = planted
    rng = np.random.default_rng(1)
    rna, adt = rng.normal(size=(2, 300, 8)).astype(np.float32)
    rna[truth == 0, :3] += 4
    adt = adt[:, :5]
    adt[truth == 2, :2] += 4
    names = {m: np.array([f"{m}{i}" for i in range(8)], dtype=object) for m in ("rna", "adt")}
    names["adt"] = names["adt"][:5]
    cells = replace(cells, features={"rna": rna, "adt": adt}, names=names)
    return cells, graphs_of(cells), truth


def run(planted, seed=1, n_clusters=3, **changes):
    cells, graphs, _ = planted
    settings = SETTINGS | {"pretrain_epochs": 20, "epochs": 20} | changes
    machine = methods.Machine("cpu")
    return methods.cluster(cells, n_clusters, seed, settings, "mine", graphs, machine)


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
    task = methods.Task(cells, 3, 1, settings, "mine", graphs, methods.Machine("cpu"))
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
    found = methods.predict(model, cells, graphs, methods.Machine("cpu"))
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
    found = methods.predict(trained.model, other, graphs_of(other), methods.Machine("cpu"))
    assert (found.labels == np.array(names)[types]).mean() > 0.95


def test_a_cluster_that_nobody_is_in_is_no_first_guess(planted):
    trained = run(planted, epochs=10, pretrain_epochs=5)
    weights = trained.weights | {"class_means": trained.weights["class_means"].copy()}
    weights["class_means"][1] = np.nan
    cells, graphs, _ = planted
    machine = methods.Machine("cpu")
    settings = SETTINGS | {"epochs": 10, "pretrain_epochs": 5}
    task = methods.Task(cells, 3, 1, settings, "mine", graphs, machine)
    assert len(recipe.predict(weights, task).labels) == 300


def drawn(given, n_clusters=3):
    """A new model and all cells as a batch."""
    cells, graphs, _ = given
    torch.manual_seed(0)
    model = SpClust([x.shape[1] for x in cells.features.values()], n_clusters, SETTINGS)
    return model, Batches(cells, graphs, CPU, 0).draw(0)


def test_terms_of_three_views_are_means_over_pairs_and_modalities(two_modalities):
    model, batch = drawn(two_modalities)
    torch.nn.init.normal_(model.prototypes)
    labels = torch.from_numpy(two_modalities[2])
    _, terms = recipe.objective(model, batch, labels, SETTINGS, Blocks())
    rna, adt, spatial = batch.graphs.values()
    z = model.encode(batch.features, batch.graphs, labels)
    (x, y), (encode_x, encode_y) = batch.features.values(), model.encoders
    e, f = model.importances
    expected = [
        encode_x(e[labels] * x, rna), encode_y(f[labels] * y, adt),
        (encode_x(x, spatial) + encode_y(y, spatial)) / 2,
    ]  # fmt: skip
    for found, zv in zip(z, expected, strict=True):
        torch.testing.assert_close(found, zv)
    h = [model.projection(zv) for zv in z]
    pairs = [losses.info_nce(a, b, SETTINGS["temperature"]).item() for a, b in combinations(h, 2)]
    assert len(pairs) == 3 and terms["contrastive"] == pytest.approx(np.mean(pairs), rel=1e-5)
    rebuilt = [losses.adjacency_cross_entropy(zv, g).item() for zv, g in
               zip(z, (rna, adt, spatial))]  # fmt: skip
    assert terms["reconstruction"] == pytest.approx(sum(rebuilt), rel=1e-5)
    weights, fused = model.fuse(h)
    soft = model.assign(fused, SETTINGS["assignment_temperature"])
    modular = [losses.soft_modularity(soft, g).item() for g in (rna, adt)]
    assert terms["modularity"] == pytest.approx(np.mean(modular), rel=1e-4)
    aligned = [losses.importance_alignment(v, model.prototypes).item() for v in (e, f)]
    assert terms["alignment"] == pytest.approx(np.mean(aligned), rel=1e-4)
    of_expression = weights[:, :2].sum(1).mean().item()
    assert terms["fusion_expression"] == pytest.approx(of_expression, rel=1e-5)


@pytest.mark.parametrize("n_views", [2, 3])
def test_fusion_weights_sum_to_one_and_follow_eq_12(n_views):
    torch.manual_seed(0)
    model = SpClust([4] * (n_views - 1), 3, SETTINGS)
    h = [torch.nn.functional.normalize(torch.randn(6, 16), dim=1) for _ in range(n_views)]
    weights, fused = model.fuse(h)
    w, b = model.fusion.weight.detach().numpy(), model.fusion.bias.detach().numpy()
    logits = np.concatenate(h, axis=1) @ w.T + b
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(weights.detach(), expected, atol=1e-6)
    dense = sum(expected[:, v : v + 1] * hv.numpy() for v, hv in enumerate(h))
    assert np.allclose(fused.detach(), dense, atol=1e-6)


def test_clusters_of_several_modalities_live_in_the_mean_at_unit_length():
    h = [torch.nn.functional.normalize(torch.randn(6, 16), dim=1) for _ in range(2)]
    mean = (h[0] + h[1]).numpy() / 2
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.allclose(expression_embedding(h), expected, atol=1e-6)
    assert expression_embedding(h[:1]) is h[0]


def test_soft_labels_follow_eq_13():
    model = SpClust([4], 3, SETTINGS)
    p = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    model.prototypes.data = torch.from_numpy(p)
    z = torch.randn(5, 16)
    logits = z.numpy() @ (p / np.linalg.norm(p, axis=1, keepdims=True)).T
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(model.assign(z, 1.0).detach(), expected, atol=1e-5)


def test_eq_5_weights_the_expression_views_only(planted):
    class Recorder(torch.nn.Module):
        def forward(self, x, _):
            seen.append(x)
            return x

    seen, (model, batch) = [], drawn(planted)
    model.encoders = torch.nn.ModuleList([Recorder()])
    model.importances[0].data = torch.arange(30.0).reshape(3, 10)
    x, labels = batch.features["protein"], torch.from_numpy(planted[2])
    model.encode(batch.features, batch.graphs, labels)
    assert torch.equal(seen[0], model.importances[0].data[labels] * x)
    assert torch.equal(seen[1], x)


def test_more_clusters_than_cells_is_refused(planted):
    with pytest.raises(UserError, match="281 clusters were asked of 280 cells; lower n_clusters"):
        run(planted, n_clusters=281)


def test_widths_that_heads_do_not_divide_are_refused(planted):
    with pytest.raises(UserError, match="method.mine.hidden_dims: 15 is no multiple of heads"):
        run(planted, hidden_dims=[16, 15])


@pytest.mark.parametrize("kind,setting", [("expression", "expression_space"),
                                          ("spatial", "spatial_graph")])  # fmt: skip
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


# what the paper's studies vary

FEW = {"pretrain_epochs": 6, "epochs": 12, "refresh_every": 4}
ONE_GRAPH = {"views": "spatial", "drop_edges": 0.3, "drop_features": 0.2}


@pytest.mark.parametrize("views,other", [("spatial", "expression"), ("expression", "spatial")])
def test_views_of_one_graph_never_look_at_the_other(planted, views, other):
    cells, graphs, truth = planted
    alone = replace(graphs, edges={views: graphs.edges[views]})
    found = run((cells, alone, truth), **FEW, views=views)
    assert found.embedding.tobytes() == run(planted, **FEW, views=views).embedding.tobytes()
    assert found.embedding.tobytes() != run(planted, **FEW).embedding.tobytes()
    with pytest.raises(UserError, match=f"needs a graph of kind {other}"):
        run((cells, alone, truth), **FEW, views="mixed")


def test_augmented_views_train_on_what_is_left_and_reconstruct_the_whole(planted, monkeypatch):
    seen, encode = [], SpClust.encode

    def recorded(self, features, graphs, labels=None, beside=None):
        if beside is not None:
            sizes = [len(graph.weight) for graph in graphs.values()]
            seen.append(
                (sizes, [int((x[0] != 0).sum()) for x in (*features.values(), *beside.values())])
            )
        return encode(self, features, graphs, labels, beside)

    monkeypatch.setattr(SpClust, "encode", recorded)
    result = run(planted, **FEW | ONE_GRAPH)
    edges = planted[1].edges["spatial"].nnz + 300
    # once an epoch of joint training, not before or after
    assert len(seen) == FEW["epochs"] and len({str(found) for found in seen}) == FEW["epochs"]
    assert all(0.6 * edges < n < 0.8 * edges for sizes, _ in seen for n in sizes)
    assert any(n < 10 for _, kept in seen for n in kept)
    assert run(planted, **FEW | ONE_GRAPH).embedding.tobytes() == result.embedding.tobytes()
    assert result.embedding.tobytes() != run(planted, **FEW, views="spatial").embedding.tobytes()


@pytest.mark.parametrize("term", ["contrast", "reconstruction", "modularity", "alignment"])
def test_a_term_without_weight_takes_no_part(planted, term):
    named = {"contrast": "contrastive"}.get(term, term)
    weights = {"contrastive": 1.0, "reconstruction": 10.0, "modularity": -10.0, "alignment": 0.01}
    chosen = SETTINGS | {f"weight_{term}": 0.0}
    cells, graphs, truth = planted
    torch.manual_seed(0)
    model = SpClust([10], 3, chosen)
    torch.nn.init.normal_(model.prototypes)
    batch = Batches(cells, graphs, CPU, 0).draw(0)
    loss, terms = recipe.objective(model, batch, torch.from_numpy(truth), chosen, Blocks())
    expected = sum(w * terms[name] for name, w in weights.items() if name != named)
    assert loss.item() == pytest.approx(expected, rel=1e-5) and terms[named]


def trained(planted, monkeypatch, **changes):
    """Labels and prototypes before and after joint training, and the history."""
    found, warm_start, summarise = {}, recipe.warm_start, recipe.summarise

    def first(model, *others):
        labels = warm_start(model, *others)
        found["before"] = labels.copy(), model.prototypes.detach().numpy().copy()
        return labels

    def last(model, data, labels, *others):
        found["after"] = labels, model.prototypes.detach().numpy().copy()
        return summarise(model, data, labels, *others)

    monkeypatch.setattr(recipe, "warm_start", first)
    monkeypatch.setattr(recipe, "summarise", last)
    # a wide step, so that cells do change clusters
    result = run(planted, **FEW | {"lr": 0.05, "pretrain_epochs": 1} | changes)
    return *found["before"], *found["after"], result.tables["history"]


@pytest.mark.parametrize(
    "changes,moved",
    [
        ({"refresh": "none", "learn_prototypes": False}, (False, False)),
        ({"refresh": "none"}, (False, True)),
        ({"refreshed": "prototypes", "learn_prototypes": False}, (False, True)),
        ({"refreshed": "labels", "learn_prototypes": False}, (True, False)),
        ({"refresh": "moving_average", "learn_prototypes": False}, (True, True)),
        ({"refresh_every": "end"}, (True, True)),
        ({}, (True, True)),
    ],
    ids=str,
)
def test_labels_and_prototypes_move_as_the_strategy_says(planted, monkeypatch, changes, moved):
    labels, start, last, end, history = trained(planted, monkeypatch, **changes)
    assert (not np.array_equal(labels, last), not np.array_equal(start, end)) == moved
    refreshed = [] if changes.get("refresh") == "none" else [4, 8, 12]
    refreshed = [12] if changes.get("refresh_every") == "end" else refreshed
    if "changed_labels" in history:
        assert list(history[history["changed_labels"].notna()]["epoch"]) == refreshed
    else:
        assert not refreshed


@pytest.mark.parametrize(
    "changes",
    [
        ONE_GRAPH,
        {"views": "mixed", "drop_edges": 0.2, "mode": "stochastic", "batch_cells": 120,
         "anchors": 40},
        {"refresh": "moving_average", "refresh_every": 1},
        {"refresh": "none", "learn_prototypes": False},
        {"refreshed": "labels", "refresh_every": "end"},
    ],
    ids=str,
)  # fmt: skip
def test_every_variant_goes_on_to_the_bytes_of_a_training_that_was_not_cut(
    planted, tmp_path, changes
):
    cells, graphs, _ = planted
    whole, resumed = interrupted(
        "spclust", cells, tmp_path / "c.pt", 13, graphs, **FEW | changes
    )  # fmt: skip
    for name in ("labels", "confidence", "embedding"):
        assert getattr(whole, name).tobytes() == getattr(resumed, name).tobytes()
    assert whole.tables["history"].equals(resumed.tables["history"])


@pytest.mark.parametrize("views,able", [("expression", True), ("spatial", False), ("mixed", False)])
def test_a_model_whose_first_view_sees_space_labels_no_other_slice(planted, views, able):
    stored, cells = run(planted, **FEW, views=views).model, planted[0].original()
    others = graphs_of(cells, kinds=("expression",))
    if able:
        found = methods.predict(stored, cells, others, methods.Machine("cpu"))
        assert len(found.labels) == 280
    else:
        with pytest.raises(UserError, match=r"method\.spclust\.views: .*views: dual"):
            methods.predict(stored, cells, others, methods.Machine("cpu"))
