"""A training that is cut off goes on to the very bytes of one that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from spclust.parts import checkpoints
from spclust.parts.checkpoints import Checkpoint, State, key_of

# a training as the rule runs it: two phases, KMeans in between, the recipe of the library
TRAINING = """
import sys, json, hashlib, logging
from pathlib import Path
import anndata, numpy as np, yaml
from spclust import methods
from spclust.contracts import Graphs
from spclust.parts.graphs import knn_graph
from spclust.settings import CONFIG_FOLDER

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
path, mode = sys.argv[1:]
rng = np.random.default_rng(0)
kind = rng.integers(3, size=400)
cells = anndata.AnnData((rng.normal(size=(400, 8)) + 3 * np.eye(8)[kind]).astype(np.float32))
cells.obs["pseudolabel"], cells.obs["image"] = kind, "one"
cells.obs["synthetic"] = False
cells.obsm["spatial"] = rng.random((400, 2))
x, places, image = cells.X, cells.obsm["spatial"], np.zeros(400)
graphs = Graphs(knn_graph(x, image, 8), knn_graph(places, image, 8), x, 8)
s = yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())["methods"]["spclust"]
s |= {"pretrain_epochs": 30, "epochs": 60, "mode": mode, "batch_cells": 150, "anchors": 40}
machine = methods.Machine("cpu", 1, Path(path), 7)
result = methods.cluster(cells, 3, 5, s, graphs, machine)
parts = [result.labels, result.confidence, result.embedding]
parts += [table.to_numpy(dtype=float) for table in result.tables.values() if "phase" not in table]
parts.append(result.tables["history"].drop(columns="phase").to_numpy(dtype=float))
digest = hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts))
print(json.dumps({"digest": digest.hexdigest(), "rows": len(result.tables["history"])}))
"""


def start(path, mode):
    command = [sys.executable, "-c", TRAINING, str(path), mode]
    library = Path(checkpoints.__file__).parents[2]
    return subprocess.Popen(
        command, cwd=library, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def finish(process):
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    return json.loads(text.splitlines()[-1]), text


@pytest.mark.parametrize("mode", ["exact", "stochastic"])
def test_a_training_killed_again_and_again_ends_with_the_same_bytes(tmp_path, mode):
    whole, _ = finish(start(tmp_path / "whole.pt", mode))
    path, draw = tmp_path / "broken.pt", random.Random(os.getpid())
    went_on = 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        before = path.stat().st_mtime_ns if path.exists() else None
        process = start(path, mode)
        # wait for a file of this run, then for any part of an epoch
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.1))
        process.send_signal(number)
        text, _ = process.communicate(timeout=60)
        went_on += "going on after" in text
        if process.returncode == 0:
            break  # it was faster than the signal
        assert process.returncode in (-signal.SIGKILL, 128 + number), text
        if number != signal.SIGKILL:
            assert "interrupted by" in text
    last, text = finish(start(path, mode))
    assert "going on after" in text and went_on
    assert last == whole and last["rows"] == 90


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
    state.labels = np.array([epoch, epoch + 1])


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
    assert resumed.history == whole.history and list(resumed.labels) == [12, 13]

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


def test_handlers_are_those_of_before_when_training_ends(tmp_path):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    with Checkpoint(tmp_path / "c.pt", "k", ["train"], 1):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_the_key_changes_with_every_array_and_fact():
    x, y = np.arange(6.0), np.arange(6).reshape(2, 3)
    keys = [
        key_of([x, y], seed=1), key_of([x + 1, y], seed=1), key_of([x, y.T], seed=1),
        key_of([x, y], seed=2), key_of([x.astype(np.float32), y], seed=1), key_of([x], seed=1),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys) and key_of([x.copy(), y], seed=1) == keys[0]
