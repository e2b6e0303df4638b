"""What the paper's studies vary: views, augmentation, terms, update strategies."""

from dataclasses import replace

import numpy as np
import pytest
from planted import interrupted
from spclust_cells import graphs_of, run

from spclust.errors import UserError
from spclust.methods import running
from spclust.methods.spclust import spclust as recipe
from spclust.methods.task import Machine
from spclust.nn.views import SpClust

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
        {
            "views": "mixed",
            "drop_edges": 0.2,
            "mode": "stochastic",
            "batch_cells": 120,
            "anchors": 40,
        },
        {"refresh": "moving_average", "refresh_every": 1},
        {"refresh": "none", "learn_prototypes": False},
        {"refreshed": "labels", "refresh_every": "end"},
    ],
    ids=str,
)
def test_every_variant_goes_on_to_the_bytes_of_a_training_that_was_not_cut(
    planted, tmp_path, changes
):
    cells, graphs, _ = planted
    whole, resumed = interrupted("spclust", cells, tmp_path / "c.pt", 13, graphs, **FEW | changes)
    for name in ("labels", "confidence", "embedding"):
        assert getattr(whole, name).tobytes() == getattr(resumed, name).tobytes()
    assert whole.tables["history"].equals(resumed.tables["history"])


@pytest.mark.parametrize("views,able", [("expression", True), ("spatial", False), ("mixed", False)])
def test_a_model_whose_first_view_sees_space_labels_no_other_slice(planted, views, able):
    stored, cells = run(planted, **FEW, views=views).model, planted[0].original()
    others = graphs_of(cells, kinds=("expression",))
    if able:
        found = running.predict(stored, cells, others, Machine("cpu"))
        assert len(found.labels) == 280
    else:
        with pytest.raises(UserError, match=r"method\.spclust\.views: .*views: dual"):
            running.predict(stored, cells, others, Machine("cpu"))
