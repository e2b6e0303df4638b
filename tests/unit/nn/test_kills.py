"""Trainings that real signals cut off go on to the very bytes of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import TESTS

from spclust.nn import checkpoints

# A training as the rule runs it (two phases, KMeans in between), whole and then in children of one
# process, since loading torch takes seconds. Each child gets a signal, or two, at a random moment.
TRAINING = """
import faulthandler, hashlib, logging, os, random, signal, sys, time, traceback
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from planted import METHODS, cells_of
from spclust.methods import running
from spclust.methods.task import Machine
from spclust.data.graphs import Graphs
from spclust.methods.spclust import spclust  # all that children need is loaded here
from spclust.neighbours.knn import knn_graph

folder, mode, draw = Path(sys.argv[1]), sys.argv[2], random.Random(7)
rng = np.random.default_rng(0)
kind = rng.integers(3, size=200)
cells = cells_of(rng.normal(size=(200, 8)) + 3 * np.eye(8)[kind], rng.random((200, 2)))
cells = replace(cells, pseudolabels=kind)
x, image = cells.matrix, np.zeros(200)
edges = {"expression": knn_graph(x, image, 8), "spatial": knn_graph(cells.coordinates, image, 8)}
built = {"n_neighbors": 8, "expression_within": "cohort", "expression_weights": "binary"}
graphs = Graphs(edges, {"expression": x}, built)
s = METHODS["spclust"] | {"pretrain_epochs": 10, "epochs": 26, "mode": mode}
s |= {"batch_cells": 90, "anchors": 40}

def train(path):
    machine = Machine("cpu", 1, path, 4)
    result = running.cluster(cells, 3, 5, s, graphs=graphs, machine=machine)
    parts = [result.labels, result.confidence, result.embedding]
    importance, history = result.tables["importance"], result.tables["history"]
    parts += [importance.to_numpy(dtype=float), result.per_cell["fusion"].to_numpy()]
    parts.append(history.drop(columns="phase").to_numpy(dtype=float))
    assert len(history) == 36
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts))
    path.with_suffix(".digest").write_text(digest.hexdigest())

def started(path):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        return child
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        signal.alarm(300)  # should one go on for ever, it says where
        logging.basicConfig(level=logging.INFO, filename=path.with_suffix(".log"))
        train(path)
        os._exit(0)
    except SystemExit as left:
        os._exit(left.code)
    except KeyboardInterrupt:  # before training has begun, or when it has ended
        os._exit(128 + signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    os._exit(1)

def runs(child):
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

faulthandler.register(signal.SIGALRM, chain=True)
torch.set_num_threads(1)
torch.optim.Adam(torch.nn.Linear(2, 2).parameters())  # loads half of torch
begun = time.monotonic()
assert ended(started(folder / "whole.pt")) == 0
seconds, path = time.monotonic() - begun, folder / "broken.pt"
TERM, INT = signal.SIGTERM, signal.SIGINT
whole, digest = (folder / "whole.digest").read_text(), path.with_suffix(".digest")
KILLS = [[signal.SIGKILL], [TERM], [INT], [TERM, INT], [INT, TERM], [TERM, TERM]]
for turn in range(100):
    before = path.exists() and path.stat().st_mtime_ns
    child, kill = started(path), KILLS[turn // 2 % len(KILLS)]
    # every second one is spared until it has come further, the others are hit at any moment
    while turn % 2 and runs(child) and (path.exists() and path.stat().st_mtime_ns) == before:
        time.sleep(0.002)
    time.sleep(draw.uniform(0, seconds / 4))
    for number in kill:
        os.kill(child, number)
        time.sleep(0.001)
    code = ended(child)
    assert code in [0, *(-number for number in kill), *(128 + number for number in kill)], code
    if path.exists():
        torch.load(path, weights_only=True)  # it can be read
    if code == 0:  # faster than the signal
        assert digest.read_text() == whole
        path.unlink()
assert ended(started(path)) == 0 and digest.read_text() == whole
assert "going on after" in path.with_suffix(".log").read_text()
assert "interrupted by" in path.with_suffix(".log").read_text()
print("all alike")
"""

# Children of one process, since loading torch takes seconds, write checkpoints without pause; what
# they keep is large enough for a signal to meet a write.
WRITING = """
import faulthandler, os, random, signal, sys, time, torch
from pathlib import Path
from spclust.nn.checkpoints import Checkpoint, State

path, draw, epochs = Path(sys.argv[1]), random.Random(7), [0]
torch.set_num_threads(1)
torch.optim.Adam(torch.nn.Linear(2, 2).parameters())  # loads half of torch
faulthandler.register(signal.SIGALRM, chain=True)
signal.alarm(300)  # should one go on for ever, it says where

def train():
    signal.alarm(200)
    model = torch.nn.Linear(300, 300)
    state = State("train", model, torch.optim.Adam(model.parameters()))
    with Checkpoint(path, "k", ["train"], 1) as checkpoint:
        for epoch in checkpoint.epochs(state, 10**6):
            state.history.append({"epoch": epoch})

def stored():
    return torch.load(path, weights_only=True)["epoch"] if path.exists() else 0

for turn in range(20):
    child = os.fork()
    if not child:
        try:
            train()
        except SystemExit as left:
            os._exit(left.code)
        os._exit(1)
    while stored() <= epochs[-1] and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 0.02))
    first, second = draw.sample([signal.SIGTERM, signal.SIGINT], 2)
    os.kill(child, first)
    if turn % 2:
        time.sleep(0.001)
        os.kill(child, second)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (128 + first, 128 + second), code
    assert list(path.parent.iterdir()) == [path]
    epochs.append(stored())
assert epochs == sorted(set(epochs)), epochs  # each went on from the one before
"""


def python(script, *arguments):
    """Start a script with the library and the helpers of the tests in its path."""
    library, tests = Path(checkpoints.__file__).parents[2], TESTS / "helpers"
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{library}:{tests}"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exact", "stochastic"])
def test_a_training_killed_a_hundred_times_ends_with_the_same_bytes(tmp_path, mode):
    process = python(TRAINING, tmp_path, mode)
    text, _ = process.communicate(timeout=600)
    assert process.returncode == 0 and text.endswith("all alike\n"), text


def test_signals_at_any_moment_leave_a_readable_file(tmp_path):
    """Twenty of them, most within a write: SIGTERM, SIGINT, and one 1 ms after the other."""
    process = python(WRITING, tmp_path / "c.pt")
    text, _ = process.communicate(timeout=600)
    assert process.returncode == 0, text
    assert text.count("the same command goes on from there") == 20 and "Traceback" not in text
