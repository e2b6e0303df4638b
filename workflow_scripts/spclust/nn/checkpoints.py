"""Training that survives a kill: its state on disk, and going on from there bit for bit."""

import copy
import hashlib
import logging
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from spclust.data.atomic import atomic
from spclust.nn.training import progress, resolve_device

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def key_of(arrays, **facts):
    """A short text that changes with any of the arrays and facts a training depends on."""
    digest = hashlib.sha256(repr(sorted(facts.items())).encode())
    for array in arrays:
        array = np.ascontiguousarray(array)
        if array.dtype == object:
            array = array.astype(str)
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(memoryview(array).cast("B"))
    return digest.hexdigest()


def checkpoint_of(task, phases):
    """The checkpoint of a task: with everything that its training may depend on as key.

    Parameters
    ----------
    task : spclust.methods.task.Task
    phases : sequence of str
        Of the training, in their order.

    Returns
    -------
    Checkpoint
    """
    cells, machine = task.cells, task.machine
    arrays = [*cells.features.values(), cells.coordinates, cells.image, cells.slice]
    if cells.pseudolabels is not None:
        arrays.append(cells.pseudolabels)
    if task.votes is not None:
        arrays += task.votes.shares.values()
    if task.reference is not None:
        arrays.append(task.reference.to_numpy(dtype=object))
    names, graph_settings = [], {}
    if task.graphs is not None:
        names, graph_settings = [*task.graphs.edges, *task.graphs.spaces], task.graphs.settings
        for edges in task.graphs.edges.values():
            arrays += [edges.indptr, edges.indices, edges.data]
        arrays += task.graphs.spaces.values()
    key = key_of(
        arrays,
        modalities=list(cells.features),
        n_original=cells.n_original,
        graphs=names,
        graph_settings=sorted(graph_settings.items()),
        settings=sorted(task.settings.items()),
        seed=task.seed,
        n_clusters=task.n_clusters,
        device=resolve_device(machine.device),
        threads=machine.threads,
        torch=torch.__version__,
        version=machine.version,
    )
    return Checkpoint(machine.checkpoint, key, phases, machine.checkpoint_every)


def _unheard(number, frame):
    """Python complains where SIG_IGN takes over from a handler with a signal on its way."""


@dataclass
class State:
    """Everything that changes from epoch to epoch in one phase of a training.

    Attributes
    ----------
    phase : str
    model : nn.Module
    optimiser : torch.optim.Optimizer
    history : list of dict
        A row an epoch, those of earlier phases included; rows are only ever appended.
    arrays : dict of str to array
        What else there is (labels, centres); replaced as a whole, never written into.
    """

    phase: str
    model: torch.nn.Module
    optimiser: torch.optim.Optimizer
    history: list = field(default_factory=list)
    arrays: dict = field(default_factory=dict)

    def snapshot(self, epoch):
        """A copy that further training leaves alone."""
        return {
            "phase": self.phase,
            "epoch": epoch,
            "model": copy.deepcopy(self.model.state_dict()),
            "optimiser": copy.deepcopy(self.optimiser.state_dict()),
            "arrays": {name: torch.from_numpy(array) for name, array in self.arrays.items()},
            "rows": len(self.history),
            "generator": torch.get_rng_state(),
        }

    def restore(self, stored):
        """Go back to a snapshot."""
        self.model.load_state_dict(stored["model"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.arrays = {name: tensor.numpy() for name, tensor in stored["arrays"].items()}
        self.history[:] = stored["history"]
        torch.set_rng_state(stored["generator"])


class Checkpoint:
    """The file of a training under way; a context in which SIGTERM and SIGINT write it.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.
    key : str
        What the training depends on (data, settings, seed, code). A file with another key is
        of another training and is not used.
    phases : sequence of str
        In their order.
    every : int
        Epochs between two files.

    Attributes
    ----------
    seconds : float
        That the parts of the training before this one took.
    """

    def __init__(self, path, key, phases, every):
        self.path = None if path is None else Path(path)
        self.key, self.phases, self.every = key, list(phases), every
        self.stored = self._read()
        self.seconds = 0.0 if self.stored is None else self.stored["seconds"]
        self._started = time.monotonic()
        self._latest = self._history = None
        self._writing, self._signal = False, None

    def _read(self):
        if self.path is None or not self.path.exists():
            return None
        try:
            stored = torch.load(self.path, weights_only=True)
            ours = stored["key"] == self.key
        except Exception as error:  # torch raises of many kinds on a file that is none of its own
            log.warning("%s: no readable checkpoint (%s); training starts anew", self.path, error)
            return None
        if not ours:
            log.info("%s is of other data, settings or code; training starts anew", self.path)
            return None
        log.info("going on after %s epoch %d (%s)", stored["phase"], stored["epoch"], self.path)
        return stored

    def reached(self, phase):
        """Whether the training that goes on was in this phase or a later one."""
        if self.stored is None:
            return False
        return self.phases.index(self.stored["phase"]) >= self.phases.index(phase)

    def epochs(self, state, total):
        """The epochs of a phase that are left to do, from 1, under a progress bar.

        A phase that was interrupted is restored into ``state`` first, and a later one leaves
        nothing to do in this.
        """
        done = 0
        if self.reached(state.phase):
            if self.stored["phase"] != state.phase:
                return
            state.restore(self.stored)
            done = self.stored["epoch"]
        self._history = state.history
        for epoch in progress(total, state.phase, done):
            yield epoch
            if self.path is not None:
                self._latest = state.snapshot(epoch)
                if epoch % self.every == 0:
                    self.write()

    def write(self):
        """Write the state after the last whole epoch, atomically."""
        if self._latest is None:
            return
        content = self._latest | {
            "key": self.key,
            "history": self._history[: self._latest["rows"]],
            "seconds": self.seconds + time.monotonic() - self._started,
        }
        self._writing = True
        try:
            with atomic(self.path) as temporary:
                torch.save(content, temporary)
        finally:
            self._writing = False
        if self._signal is not None:
            self._leave(self._signal)

    def _interrupted(self, number, frame):
        for other in SIGNALS:  # a second one must not cut off what the first has to write
            signal.signal(other, _unheard)
        self._handlers = {}  # the process ends: nothing is put back
        if self._writing:
            # writing from here too would spoil the temporary file; `write` leaves when it is done
            self._signal = number
            return
        self.write()
        self._leave(number)

    def _leave(self, number):
        name = signal.Signals(number).name
        if self._latest is None:
            log.warning("interrupted by %s before an epoch was done", name)
        else:
            log.warning(
                "interrupted by %s after %s epoch %d; the same command goes on from there",
                name,
                self._latest["phase"],
                self._latest["epoch"],
            )
        raise SystemExit(128 + number)

    def __enter__(self):
        self._handlers = {}
        # only the main thread may handle signals; a training elsewhere keeps its periodic files
        if self.path is not None and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._handlers[number] = signal.signal(number, self._interrupted)
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
