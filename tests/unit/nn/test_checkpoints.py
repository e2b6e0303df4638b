"""The file of a training under way: what it holds, when it is written and when it is used."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import planted
import pytest
import torch

from spclust.data.graphs import Graphs
from spclust.methods.task import Machine, Task
from spclust.neighbours.knn import knn_graph
from spclust.nn import checkpoints
from spclust.nn.checkpoints import Checkpoint, State, checkpoint_of, key_of


def tiny_state(seed=0, history=()):
    torch.manual_seed(seed)
    model = torch.nn.Linear(3, 2)
    return State("train", model, torch.optim.Adam(model.parameters()), list(history))


def one_epoch(state, epoch):
    noise = torch.randn(4, 3)  # training that draws from the generator goes on too
    loss = state.model(noise).square().mean()
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    state.history.append({"epoch": epoch, "loss": loss.item()})
    state.arrays = {"labels": np.array([epoch, epoch + 1])}


def test_the_state_is_restored_whole(tmp_path):
    whole = tiny_state()
    for epoch in Checkpoint(None, "k", ["train"], 5).epochs(whole, 12):
        one_epoch(whole, epoch)
    broken = tiny_state()
    for epoch in Checkpoint(tmp_path / "c.pt", "k", ["train"], 5).epochs(broken, 12):
        one_epoch(broken, epoch)
        if epoch == 8:
            break
    resumed = tiny_state(seed=99)
    checkpoint = Checkpoint(tmp_path / "c.pt", "k", ["train"], 5)
    done = [epoch for epoch in checkpoint.epochs(resumed, 12) if one_epoch(resumed, epoch) is None]
    assert done == [6, 7, 8, 9, 10, 11, 12]
    assert resumed.history == whole.history and list(resumed.arrays["labels"]) == [12, 13]

    for a, b in zip(resumed.model.parameters(), whole.model.parameters()):
        assert torch.equal(a, b)


def test_the_seconds_of_all_parts_are_added_up(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    for earlier, epochs in ((0.0, 3), (15.0, 6), (30.0, 9)):
        checkpoint, state = Checkpoint(tmp_path / "c.pt", "k", ["train"], 3), tiny_state()
        assert checkpoint.seconds == earlier
        for epoch in checkpoint.epochs(state, epochs):
            one_epoch(state, epoch)
            now += 5.0


def test_earlier_phases_are_done_and_later_ones_are_not(tmp_path):
    state = tiny_state()
    for epoch in Checkpoint(tmp_path / "c.pt", "k", ["before", "train", "after"], 1).epochs(
        state, 3
    ):
        one_epoch(state, epoch)
    checkpoint = Checkpoint(tmp_path / "c.pt", "k", ["before", "train", "after"], 1)
    reached = [checkpoint.reached(phase) for phase in ("before", "train", "after")]
    assert reached == [True, True, False]
    early, late = tiny_state(), tiny_state()
    early.phase, late.phase = "before", "after"
    assert list(checkpoint.epochs(early, 5)) == []
    assert list(checkpoint.epochs(late, 2)) == [1, 2]


@pytest.mark.parametrize("fault", ["other key", "cut off", "not a checkpoint", "lacks a key"])
def test_a_file_that_does_not_belong_here_is_not_used(tmp_path, fault, caplog):
    path, state = tmp_path / "c.pt", tiny_state()
    for epoch in Checkpoint(path, "k", ["train"], 1).epochs(state, 2):
        one_epoch(state, epoch)
    if fault == "cut off":
        path.write_bytes(path.read_bytes()[:200])
    elif fault == "not a checkpoint":
        path.write_text("hello")
    elif fault == "lacks a key":
        torch.save({"phase": "train"}, path)
    caplog.set_level("INFO")
    checkpoint = Checkpoint(path, "other" if fault == "other key" else "k", ["train"], 1)
    assert not checkpoint.reached("train")
    assert "training starts anew" in caplog.text
    assert list(checkpoint.epochs(tiny_state(), 2)) == [1, 2]


def test_a_kill_while_the_file_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    path, state = tmp_path / "c.pt", tiny_state()
    checkpoint = Checkpoint(path, "k", ["train"], 1)
    epochs = checkpoint.epochs(state, 3)
    one_epoch(state, next(epochs))
    one_epoch(state, next(epochs))
    before = path.read_bytes()

    def cut_off(content, target):
        Path(target).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        next(epochs)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_signal_within_a_write_lets_it_finish(tmp_path, monkeypatch):
    """Two signals: the second, within the first one's handler, changes nothing."""
    path, state, real = tmp_path / "c.pt", tiny_state(), torch.save

    def signalled(content, target):
        os.kill(os.getpid(), signal.SIGTERM)
        Path(target).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGINT)
        real(content, target)

    monkeypatch.setattr(torch, "save", signalled)
    before = {number: signal.getsignal(number) for number in checkpoints.SIGNALS}
    with (
        pytest.raises(SystemExit) as left,
        Checkpoint(path, "k", ["train"], 1) as checkpoint,
    ):
        for epoch in checkpoint.epochs(state, 3):
            one_epoch(state, epoch)
    deaf = {signal.signal(number, handler) for number, handler in before.items()}
    assert len(deaf) == 1 and not deaf & {*before.values()}  # until the process has ended
    assert left.value.code == 128 + signal.SIGTERM and list(tmp_path.iterdir()) == [path]
    assert Checkpoint(path, "k", ["train"], 1).stored["epoch"] == 1


def test_handlers_are_those_of_before_when_training_ends(tmp_path):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    with Checkpoint(tmp_path / "c.pt", "k", ["train"], 1):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_the_key_changes_with_every_array_and_fact():
    x, y = np.arange(6.0), np.arange(6).reshape(2, 3)
    keys = [
        key_of([x, y], seed=1),
        key_of([x + 1, y], seed=1),
        key_of([x, y.T], seed=1),
        key_of([x, y], seed=2),
        key_of([x.astype(np.float32), y], seed=1),
        key_of([x], seed=1),
    ]
    assert len(set(keys)) == len(keys) and key_of([x.copy(), y], seed=1) == keys[0]


def task_of(**changes):
    cells, _ = planted.expression_types(0, n=30)
    graph = knn_graph(cells.matrix, np.zeros(30), 3)
    graphs = Graphs({"spatial": graph}, {"expression": cells.matrix}, {"n_neighbors": 3})
    machine = Machine("cpu", 2, Path("c.pt"), 5, version="1")
    given = {"cells": cells, "n_clusters": 3, "seed": 1, "settings": {"lr": 0.1}}
    return Task(**given | {"graphs": graphs, "machine": machine} | changes)


def test_the_key_of_a_task_changes_with_everything_its_training_depends_on():
    task = task_of()
    cells, graphs, machine = task.cells, task.graphs, task.machine
    other_x = {"protein": cells.matrix + 1}
    weaker = Graphs({"spatial": graphs["spatial"] * 0.5}, graphs.spaces, graphs.settings)
    wider = Graphs(graphs.edges, graphs.spaces, {"n_neighbors": 4})
    changed = [
        *(
            {"cells": replace(cells, **change)}
            for change in (
                {"features": other_x},
                {"features": {"rna": cells.matrix}},
                {"coordinates": cells.coordinates + 1},
                {"image": cells.image[::-1]},
                {"slice": cells.image},
                {"pseudolabels": np.zeros(30, dtype=int)},
                {"parents": np.zeros((2, 2), dtype=int)},
            )
        ),
        {"graphs": None},
        {"graphs": weaker},
        {"graphs": wider},
        {"settings": {"lr": 0.2}},
        {"seed": 2},
        {"n_clusters": 4},
        {"machine": replace(machine, threads=1)},
        {"machine": replace(machine, version="2")},
        {"reference": pd.Series(["a", None] * 15)},
        {"reference": pd.Series(["a", "b"] * 15)},
    ]
    keys = {checkpoint_of(task_of(**change), ["train"]).key for change in [{}, *changed]}
    assert len(keys) == 1 + len(changed)
    same = task_of(machine=replace(machine, checkpoint=Path("d.pt"), checkpoint_every=9))
    assert checkpoint_of(same, ["train"]).key in keys


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_key_of_a_task_is_that_of_the_device_it_stands_for(device):
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("auto is no CPU here")
    machine = replace(task_of().machine, device=device)
    found = checkpoint_of(task_of(machine=machine), ["train"])
    assert found.key == checkpoint_of(task_of(), ["train"]).key and found.every == 5
