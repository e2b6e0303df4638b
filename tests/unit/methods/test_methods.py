"""What holds for every method, whatever it does: card and recipe say the same."""

from dataclasses import replace

import numpy as np
import pytest
from planted import CARDS, METHODS, expression_types, graphs_for, run, two_modalities, votes_for

from spclust.errors import UserError
from spclust.methods import running
from spclust.methods.task import Machine, Task
from spclust.stages.oversample import SpaCSMOTE

FEW = {"epochs": 2, "pretrain_epochs": 2, "hidden_dims": [8, 4], "width": 8, "n_init": 2}
# settings that a recipe reads in some cases only
STOCHASTIC = {
    "mode": "stochastic",
    "batch_cells": 150,
    "anchors": 40,
    "refresh": "moving_average",
    "refresh_every": 1,
}
OTHERWISE = {
    "spclust": STOCHASTIC,
    "spclust_vote": STOCHASTIC,
    "mofa": {"labels": "leiden"},
}
OF_OTHERS = ("spagcn",)  # trained by a package of its own, which keeps no checkpoint
PACKAGES = {
    "spagcn": "SpaGCN",
    "spatialleiden": "spatialleiden",
    "flowsom": "flowsom",
    "mofa": "mofapy2",
}

every = pytest.mark.parametrize("name", CARDS)


def quick(name):
    """Settings of a method with which it takes a second."""
    return {key: value for key, value in FEW.items() if key in CARDS[name].settings}


def given(name, cells, reference):
    """Cells as a run of the method gets them, their graphs, and the reference labels."""
    if name in PACKAGES:
        reason = f"the package {PACKAGES[name]} is not installed"
        pytest.importorskip(PACKAGES[name], reason=reason)
    if "oversample" in CARDS[name].needs:
        cells = SpaCSMOTE(random_state=0).balance(cells, reference.astype("category").cat.codes)
    return cells, graphs_for(name, cells), reference if CARDS[name].reference else None


class Noted(dict):
    """Settings that remember which of them were read."""

    def __init__(self, values):
        super().__init__(values)
        self.read = set()

    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)


@pytest.fixture(scope="module")
def planted():
    cells, reference = expression_types(0)
    # each image a slice, for methods that look at slices
    return replace(cells, slice=cells.image).take(slice(200)), reference.iloc[:200]


@every
def test_a_card_predicts_when_its_recipe_does(name):
    module = running.recipe_of(name)
    assert callable(module.cluster)
    assert hasattr(module, "predict") == CARDS[name].predicts


@every
@pytest.mark.parametrize("modalities", [1, 2])
def test_every_recipe_labels_every_cell(name, modalities, planted, tmp_path):
    cells, reference = planted
    cells = two_modalities(cells) if modalities == 2 else cells
    balanced, graphs, reference = given(name, cells, reference)
    machine = Machine("cpu", 1, tmp_path / "c.pt", 1)
    result = run(name, balanced, 0, 3, graphs, machine, reference, **quick(name))
    assert list(result.ids) == list(cells.ids)
    assert set(result.labels) <= {0, 1, 2} and result.labels.dtype.kind == "i"
    assert result.confidence.shape == (200,)
    assert result.confidence.min() >= 0 and result.confidence.max() <= 1
    assert result.embedding.dtype == np.float32 and len(result.embedding) == 200
    assert np.isfinite(result.embedding).all()
    card = CARDS[name]
    assert (result.model is not None) == card.predicts
    assert machine.checkpoint.exists() == (card.trains and name not in OF_OTHERS)
    assert ("history" in result.tables) == (card.trains and name not in OF_OTHERS)
    if card.predicts and not card.needs:
        again = running.predict(result.model, cells, machine=machine)
        assert np.array_equal(again.labels, result.labels)


@every
def test_a_recipe_reads_the_settings_of_its_card_and_no_other(name, planted):
    cells, graphs, reference = given(name, *planted)
    module, read = running.recipe_of(name), set()
    for case in ({}, OTHERWISE.get(name)):
        if case is not None:
            own = METHODS[name] | quick(name) | case
            settings = Noted({key: value for key, value in own.items() if key != "recipe"})
            machine = Machine("cpu")
            task = Task(
                cells, 3, 0, settings, name, graphs, machine, reference, votes_for(name, cells)
            )
            module.cluster(task)
            read |= settings.read
    assert read == set(CARDS[name].settings)


def test_messages_name_a_setting_as_the_config_has_it(planted):
    task = Task(planted[0], 3, 0, {}, "cold")
    assert task.key("lr") == "method.cold.lr"
    settings = METHODS["scdc"] | quick("scdc") | {"pretrain_lr": 1e20}
    with pytest.raises(UserError, match=r"lower method\.cold\.pretrain_lr"):
        running.cluster(planted[0], 3, 0, settings, "cold", machine=Machine("cpu"))
