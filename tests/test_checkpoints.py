"""A training that is cut off goes on to the very bytes of one that was not."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import planted
import pytest
import torch

from spclust import methods
from spclust.graph_files import Graphs
from spclust.parts import checkpoints
from spclust.parts.checkpoints import Checkpoint, State, checkpoint_of, key_of
from spclust.parts.graphs import knn_graph

# A training as the rule runs it (two phases, KMeans in between), whole and then in children of one
# process, since loading torch takes seconds. Each child gets a signal, or two, at a random moment.
TRAINING = """
import faulthandler, hashlib, logging, os, random, signal, sys, time, traceback
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from planted import METHODS, cells_of
from spclust import methods
from spclust.graph_files import Graphs
from spclust.methods import spclust  # all that children need is loaded here
from spclust.parts.graphs import knn_graph

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
    machine = methods.Machine("cpu", 1, path, 4)
    result = methods.cluster(cells, 3, 5, s, graphs=graphs, machine=machine)
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
from spclust.parts.checkpoints import Checkpoint, State

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
    library, tests = Path(checkpoints.__file__).parents[2], Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{library}:{tests}"},
    )  # fmt: skip


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
        key_of([x, y], seed=1), key_of([x + 1, y], seed=1), key_of([x, y.T], seed=1),
        key_of([x, y], seed=2), key_of([x.astype(np.float32), y], seed=1), key_of([x], seed=1),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys) and key_of([x.copy(), y], seed=1) == keys[0]


def task_of(**changes):
    cells, _ = planted.expression_types(0, n=30)
    graph = knn_graph(cells.matrix, np.zeros(30), 3)
    graphs = Graphs({"spatial": graph}, {"expression": cells.matrix}, {"n_neighbors": 3})
    machine = methods.Machine("cpu", 2, Path("c.pt"), 5, version="1")
    given = {"cells": cells, "n_clusters": 3, "seed": 1, "settings": {"lr": 0.1}}
    return methods.Task(**given | {"graphs": graphs, "machine": machine} | changes)


def test_the_key_of_a_task_changes_with_everything_its_training_depends_on():
    task = task_of()
    cells, graphs, machine = task.cells, task.graphs, task.machine
    other_x = {"protein": cells.matrix + 1}
    weaker = Graphs({"spatial": graphs["spatial"] * 0.5}, graphs.spaces, graphs.settings)
    wider = Graphs(graphs.edges, graphs.spaces, {"n_neighbors": 4})
    changed = [
        *({"cells": replace(cells, **change)} for change in (
            {"features": other_x}, {"features": {"rna": cells.matrix}},
            {"coordinates": cells.coordinates + 1}, {"image": cells.image[::-1]},
            {"slice": cells.image}, {"pseudolabels": np.zeros(30, dtype=int)},
            {"parents": np.zeros((2, 2), dtype=int)},
        )),
        {"graphs": None}, {"graphs": weaker}, {"graphs": wider}, {"settings": {"lr": 0.2}},
        {"seed": 2}, {"n_clusters": 4}, {"machine": replace(machine, threads=1)},
        {"machine": replace(machine, version="2")},
    ]  # fmt: skip
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
