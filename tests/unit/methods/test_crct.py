"""CRCT and PRAGA: what neither modality tells alone, the ablation, schedules, repeatability."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import (
    METHODS,
    best_f1,
    better_base_line,
    expression_types,
    graphs_for,
    half_told_domains,
    interrupted,
    oversampled,
    two_modalities,
)
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods.crct import crct
from spclust.methods.crct.class_statistics import ClassStatistics
from spclust.methods.praga import praga
from spclust.methods.task import Task
from spclust.nn import modalities

QUICK = {"epochs": 6, "labels": "kmeans"}
# CRCT less what it adds
PLAIN = {
    "weight_augmented": 0.0,
    "weight_clustering": 0.0,
    "weight_graph": 1.0,
    "graph_memory": 0.9,
}


def run(name, cells, seed=0, n_clusters=4, **changes):
    return run_any(name, cells, seed, n_clusters, **changes)


@pytest.fixture(scope="module")
def planted():
    return half_told_domains(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.fixture(scope="module")
def base_line(planted):
    return better_base_line(*planted, n_clusters=4)


@pytest.mark.parametrize("name", ["praga", "crct"])
def test_domains_that_no_modality_tells_alone_are_found(planted, base_line, name):
    cells, reference = planted
    result = run(name, cells, epochs=60)
    assert adjusted_rand_score(reference, result.labels) > base_line + 0.2
    assert result.embedding.shape == (400, METHODS[name]["width"])
    mixture = result.tables["mixture"]
    assert list(mixture["modality"]) == ["rna", "adt"]
    np.testing.assert_allclose(mixture["spatial"] + mixture["expression"], 1, atol=1e-6)


def test_a_rare_type_is_found_that_base_lines_miss():
    cells, reference = half_told_domains(0, n=1000, strength=0.8, rare=1.5)
    assert (reference == "type_4").sum() == 20
    settings = {"kmeans": {}, "leiden": {}, "crct": {"epochs": 60}}
    found = {
        m: best_f1(reference, run(m, cells, 0, 5, **own).labels, "type_4")
        for m, own in settings.items()
    }
    assert max(found["kmeans"], found["leiden"]) < 0.45
    assert found["crct"] > 0.7


def test_praga_is_crct_without_what_it_adds(cells):
    plain, whole = run("praga", cells, **QUICK), run("crct", cells, **QUICK, **PLAIN)
    assert plain.embedding.tobytes() == whole.embedding.tobytes()
    assert plain.labels.tobytes() == whole.labels.tobytes()
    assert whole.embedding.tobytes() != run("crct", cells, **QUICK).embedding.tobytes()
    shared = set(METHODS["praga"]) - {"recipe"}
    assert shared < set(METHODS["crct"])
    differ = {k for k in shared if METHODS["praga"][k] != METHODS["crct"][k]}
    assert differ == {"weight_graph", "graph_memory"}


@pytest.mark.parametrize("name", ["praga", "crct"])
def test_a_seed_repeats_to_the_byte_and_another_differs(cells, name):
    first, second, other = (run(name, cells, seed, **QUICK) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize(("name", "stop"), [("praga", 4), ("crct", 4), ("crct", 7)])
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, name, stop):
    changes = {"epochs": 8, "labels": "kmeans"} | ({"refresh_every": 0.3} if name == "crct" else {})
    whole, resumed = interrupted(name, cells, tmp_path / "c.pt", stop, **changes)
    assert resumed.embedding.tobytes() == whole.embedding.tobytes()
    assert resumed.labels.tobytes() == whole.labels.tobytes()
    assert resumed.tables["history"].equals(whole.tables["history"])


def test_weights_rise_in_thirds_of_training():
    own = METHODS["crct"] | {"epochs": 30, "refresh_every": 0.2}
    found = [crct.schedule(own, epoch) for epoch in range(1, 31)]
    assert [f[0] for f in found] == [0.02] * 10 + [0.4] * 10 + [1.0] * 10
    assert [f[1] for f in found] == [0.0] * 10 + [1.0] * 20
    assert [i + 1 for i, f in enumerate(found) if f[2]] == [1, 7, 13, 19, 25]


@pytest.mark.parametrize(
    ("schedule", "shares", "contrast"),
    [
        ("literal", {100: 0.02, 101: 0.4, 200: 0.4, 201: 1.0}, {100: 0, 101: 1}),
        ("literal_lymph_node", {5: 0.05, 6: 0.5, 15: 0.5, 16: 1.0}, {50: 0, 101: 1}),
    ],
)
def test_weights_rise_by_epochs_as_printed(schedule, shares, contrast):
    own = METHODS["crct"] | {"epochs": 50, "schedule": schedule}
    assert {e: crct.schedule(own, e)[0] for e in shares} == shares
    assert {e: crct.schedule(own, e)[1] for e in contrast} == contrast
    assert [e for e in range(1, 160) if crct.schedule(own, e)[2]] == [1, 51, 101, 151]


def given(cells, **changes):
    """Model, statistics, features, labels and noise of an epoch."""
    torch.manual_seed(0)
    settings = METHODS["crct"] | {"width": 4, "epochs": 10} | changes
    settings = {k: v for k, v in settings.items() if k != "recipe"}
    task = Task(cells, 4, 0, settings, "crct", graphs_for("crct", cells))
    model = praga.model_of(task, torch.device("cpu"))
    statistics = ClassStatistics(4, 4, settings["class_memory"])
    labels, noise = torch.arange(len(cells)) % 4, torch.randn(len(cells), 4)
    features = modalities.tensors(cells, torch.device("cpu"))
    return model, statistics, features, labels, noise, settings


@pytest.mark.parametrize("epoch", [1, 5, 10])
def test_each_term_enters_with_its_weight(cells, epoch):
    weights = {"weight_augmented": 0.3, "weight_clustering": 0.7, "weight_graph": 0.2}
    made = given(cells, **weights)
    loss, terms = crct.objective(*made, epoch, [5.0, 5.0])
    augmented, contrast, _ = crct.schedule(made[-1], epoch)
    terms = {k: v.item() for k, v in terms.items()}
    rest = 0.2 * terms["graph"] + 0.7 * contrast * terms["clustering"]
    expected = terms["reconstruction"] + 0.3 * augmented * terms["augmented"] + rest
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss, _ = crct.objective(*made[:5], made[5] | {"reconstruct": "augmented"}, epoch, [5.0, 5.0])
    # the running statistics have moved on by a step of the same cells
    assert loss.item() == pytest.approx(terms["augmented"] + rest, rel=1e-4)


@pytest.mark.parametrize("normalise", [True, False])
def test_the_objective_is_eq_14_and_without_augmentation_half_of_it_is_twice_the_same(
    cells, normalise
):
    model, statistics, features, labels, noise, own = given(cells, normalise=normalise)
    _, terms = crct.objective(model, statistics, features, labels, noise, own, 6, [2.0, 1.0])
    z = model.encode(features).detach().numpy().astype(float)
    y = labels.numpy()
    deviation = np.array([z[y == k].std(0) for k in range(4)])
    moved = z + own["strength"] * 0.6 * deviation[y] * noise.numpy()
    both, centres = np.vstack([z, moved]), np.array([z[y == k].mean(0) for k in range(4)])
    if normalise:
        both, centres = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (both, centres))
    e, twice = np.exp(both @ centres.T / own["temperature"]), np.tile(y, 2)
    ratios = [e[twice == k, k].mean() / e[:, k].mean() for k in range(4)]
    assert terms["clustering"].item() == pytest.approx(-np.log(ratios).mean(), rel=1e-3, abs=1e-6)
    space = model.space.sparse(model.space.normalised).to_dense().numpy()
    errors = [
        ((space @ moved @ layer.weight.detach().numpy().T - x.numpy()) ** 2).mean()
        for layer, x in zip(model.decoders, features)
    ]
    assert terms["augmented"].item() == pytest.approx(2 * errors[0] + errors[1], rel=1e-4)
    _, still = crct.objective(
        model, statistics, features, labels, noise, own | {"strength": 0.0}, 6, [2.0, 1.0]
    )
    assert still["augmented"].item() == pytest.approx(still["reconstruction"].item())


def test_balanced_errors_weigh_every_class_alike(cells):
    model, statistics, features, labels, noise, own = given(cells, balance=True)
    labels = (labels > 0).long() * 0
    labels[:20] = 1
    args = (model, statistics, features, labels, noise)
    _, terms = crct.objective(*args, own, 10, [1.0, 1.0])
    z = model.encode(features)
    decoded = model.decode(statistics.augmented(z, labels, own["strength"], noise))
    expected = 0.0
    for x, y in zip(features, decoded):
        error = (x - y).square().mean(1)
        expected += (error[labels == 0].mean() + error[labels == 1].mean()).item() / 2
    assert terms["augmented"].item() == pytest.approx(expected, rel=1e-4)


def test_classes_that_are_other_cells_are_said_and_ids_stay():
    rng = np.random.default_rng(0)
    z = np.repeat(10 * np.eye(4), 20, axis=0) + rng.normal(size=(80, 4)) * 0.1
    first, others = crct.follow(torch.from_numpy(z), {}, 4, 0)
    assert not others.any() and len(np.unique(first["labels"])) == 4
    again, others = crct.follow(torch.from_numpy(z + 0.01), first, 4, 0)
    assert np.array_equal(first["labels"], again["labels"]) and not others.any()
    # of classes that were a quarter of each cluster none is what it was
    mixed = first | {"labels": np.arange(80) % 4}
    assert crct.follow(torch.from_numpy(z), mixed, 4, 0)[1].all()
    half = first["labels"].copy()
    half[:20][:11] = half[20]  # most of one class had been part of another
    _, others = crct.follow(torch.from_numpy(z), first | {"labels": half}, 4, 0)
    assert list(np.flatnonzero(others)) == [first["labels"][0]]


@pytest.mark.parametrize("name", ["praga", "crct"])
def test_the_history_has_the_terms_of_each_epoch(cells, name):
    history = run(name, cells, **QUICK).tables["history"]
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6] and set(history["phase"]) == {"train"}
    assert {"reconstruction", "graph", "loss"} <= set(history)
    assert ("augmented" in history) == ("clustering" in history) == (name == "crct")
    assert history["reconstruction"].iloc[-1] < history["reconstruction"].iloc[0]


@pytest.mark.parametrize("name", ["praga", "crct"])
def test_one_and_three_modalities(cells, name, caplog):
    rna = {"rna": cells.features["rna"]}
    one = replace(cells, features=rna, names={"rna": cells.names["rna"]})
    assert len(run(name, one, **QUICK).labels) == 400
    assert "the cells have one modality, so there is nothing to fuse" in caplog.text
    x, names = cells.features["adt"], cells.names["adt"]
    parts = {"adt": x[:, :5], "atac": x[:, 5:]}
    three = replace(
        cells,
        features=rna | parts,
        names={"rna": cells.names["rna"], "adt": names[:5], "atac": names[5:]},
    )
    result = run(name, three, **QUICK)
    assert list(result.tables["mixture"]["modality"]) == ["rna", "adt", "atac"]


@pytest.mark.parametrize("name", ["praga", "crct"])
def test_what_cannot_be_trained_is_told(cells, name):
    for key in ("spatial_graph", "expression_space"):
        graphs = graphs_for(name, cells, **{key: "none"})
        with pytest.raises(UserError, match=rf"graphs\.<name>\.{key}: the method needs"):
            run(name, cells, graphs=graphs, **QUICK)
    with pytest.raises(UserError, match=rf"the loss became .*; lower method\.{name}\.lr or"):
        run(name, cells, lr=1e30, **QUICK)
    with pytest.raises(UserError, match=rf"method\.{name}\.weight_reconstruction: every modality"):
        run(name, cells, weight_reconstruction={"rna": 0.0, "adt": 0.0}, **QUICK)


def test_synthetic_cells_train_but_get_no_labels():
    cells = expression_types(0, n=200)[0]
    result = run("crct", two_modalities(oversampled(cells, 40)), **QUICK)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 200


def test_one_cluster_is_no_error(cells):
    for labels in ("mixture", "kmeans"):
        assert not run("crct", cells, n_clusters=1, epochs=2, labels=labels).labels.any()
