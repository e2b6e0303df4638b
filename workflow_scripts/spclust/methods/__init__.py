"""Methods: one recipe and one card a file, all with the signature of a :class:`Task`."""

import importlib
import logging
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data import contracts
from spclust.data.cells import Cells
from spclust.data.graphs import Graphs
from spclust.data.models import Model
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Machine:
    """Where a method runs and where it may keep what it has done so far.

    Attributes
    ----------
    device : {'auto', 'cpu', 'cuda', 'mps'}
    threads : int
        On the CPU.
    checkpoint : Path or None
        File of a training that is under way; None keeps none. Who calls removes it when the
        results are safe.
    checkpoint_every : int
        Epochs between two of them.
    version : str
        Of the code; a checkpoint of another is not used.
    """

    device: str = "auto"
    threads: int = 1
    checkpoint: Path | None = None
    checkpoint_every: int = 20
    version: str = ""


@dataclass(frozen=True)
class Task:
    """Everything a recipe may look at.

    Attributes
    ----------
    cells : Cells
        Prepared, or balanced with synthetic ones last; a recipe labels all of them alike.
    n_clusters : int
    seed : int
        Of every random draw.
    settings : dict
        The recipe's own.
    name : str
        Of the setting in the config, for messages.
    graphs : Graphs or None
        Of all cells, for recipes whose card needs them.
    machine : Machine
    reference : Series or None
        Reference labels, for controls whose card asks for them; missing where not scored.
    votes : Votes or None
        On the original cells, for recipes whose run went through the stage ``votes``.
    """

    cells: Cells
    n_clusters: int
    seed: int
    settings: dict
    name: str = ""
    graphs: Graphs | None = None
    machine: Machine = Machine()
    reference: pd.Series | None = None
    votes: Votes | None = None

    def key(self, setting):
        """A setting as the config has it, for messages: ``method.cold.lr``."""
        return f"method.{self.name or '<name>'}.{setting}"


@dataclass
class Clustering:
    """What every recipe returns, a row for each cell of its task.

    Attributes
    ----------
    labels : array of int, shape (n,)
        Clusters ``0 .. n_clusters - 1``.
    confidence : array of float, shape (n,)
        In [0, 1].
    embedding : array of float32, shape (n, d)
        What the labels were found in.
    tables : dict of str to DataFrame
        What else there is to say, e.g. ``history``; by the name of the file in ``extras/``.
    per_cell : dict of str to DataFrame
        The same with a row for each cell.
    weights : dict of str to array
        What the recipe's ``predict`` needs; empty where it has none.
    cost : dict
        What :func:`cost` adds, and what else a recipe has to say on it; ``seconds_before`` are
        added to its seconds, and ``memory_before`` is its peak where it was higher.
    """

    labels: np.ndarray
    confidence: np.ndarray
    embedding: np.ndarray
    tables: dict = field(default_factory=dict)
    per_cell: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    cost: dict = field(default_factory=dict)
    ids: np.ndarray | None = None
    model: Model | None = None

    def of_original(self, cells):
        """The rows of the cells that were measured, with their ids."""
        n = cells.n_original
        self.labels, self.confidence = self.labels[:n], self.confidence[:n]
        self.embedding = np.asarray(self.embedding[:n], dtype=np.float32)
        self.per_cell = {name: table.iloc[:n] for name, table in self.per_cell.items()}
        self.ids = cells.ids[:n]
        return self

    def write(self, clusters, embedding, cost, extras):
        """Write the files of a run."""
        contracts.write_clusters(self.labels, self.confidence, self.ids, clusters)
        contracts.write_values(self.embedding, self.ids, embedding)
        contracts.write_json(self.cost, cost)
        with contracts.whole_folder(extras) as folder:
            for name, table in self.tables.items():
                contracts.write_table(table, folder / f"{name}.csv")
            for name, table in self.per_cell.items():
                named = table.set_axis(pd.Index(self.ids, name="cell")).reset_index()
                contracts.write_table(named, folder / f"{name}.csv")
            if self.model is not None:
                self.model.save(folder / "model")


def cluster(
    cells,
    n_clusters,
    seed,
    settings,
    name="",
    graphs=None,
    machine=Machine(),
    reference=None,
    votes=None,
):
    """Cluster cells with the recipe named in the settings.

    Parameters
    ----------
    settings : dict
        ``recipe`` and the recipe's own keys.
    cells, n_clusters, seed, name, graphs, machine, reference, votes
        See :class:`Task`.

    Returns
    -------
    Clustering
        Of the original cells; with a :class:`spclust.data.models.Model` where the recipe can label
        other cells.

    Raises
    ------
    UserError
        When there are fewer original cells than clusters.
    """
    n = cells.n_original
    if n < n_clusters:
        raise UserError(
            f"{n_clusters} clusters were asked of {n} cells; lower n_clusters in the config"
        )
    recipe, own = settings["recipe"], {k: v for k, v in settings.items() if k != "recipe"}
    log.info("%s: %d cells, %d rows, %d clusters, seed %d", recipe, n, len(cells), n_clusters, seed)
    module = importlib.import_module(f"spclust.methods.{recipe}")
    task = Task(cells, n_clusters, seed, own, name or recipe, graphs, machine, reference, votes)
    started = time.monotonic()
    result = module.cluster(task)
    seconds = time.monotonic() - started + result.cost.pop("seconds_before", 0.0)
    memory = result.cost.pop("memory_before", 0.0)
    result.cost |= cost(seconds, machine) | {"code": machine.version}
    result.cost["peak_memory_mb"] = max(result.cost["peak_memory_mb"], memory)
    if result.weights:
        graph_settings = None if graphs is None else graphs.settings
        result.model = Model.of(
            recipe, own, cells, result.labels, n_clusters, graph_settings, result.weights
        )
    result.of_original(cells)
    sizes = np.bincount(result.labels, minlength=n_clusters)
    log.info("cells per cluster: %s", sizes.tolist())
    if not sizes.all():
        log.warning("%d of %d clusters were left empty", (sizes == 0).sum(), n_clusters)
    return result


def predict(model, cells, graphs=None, machine=Machine()):
    """Label cells by a stored model.

    Parameters
    ----------
    model : Model
    cells : Cells
        Prepared with the model's constants (:func:`spclust.stages.preprocess.preparation.apply`).
    graphs : Graphs or None
        Of these cells, by the model's graph settings.
    machine : Machine

    Returns
    -------
    Clustering
    """
    module = importlib.import_module(f"spclust.methods.{model.recipe}")
    task = Task(cells, model.n_clusters, 0, model.settings, model.recipe, graphs, machine)
    started = time.monotonic()
    result = module.predict(model.weights, task)
    result.cost |= cost(time.monotonic() - started, machine)
    return result.of_original(cells)


def cost(seconds, machine):
    """What a clustering took: time and the largest memory of the process and on the GPU."""
    taken = logs.taken(seconds)
    torch = sys.modules.get("torch")  # a method that did not load it used no GPU
    on_gpu = torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated()
    taken["peak_gpu_memory_mb"] = (
        round(torch.cuda.max_memory_allocated() / 2**20, 1) if on_gpu else 0.0
    )
    taken["device"] = "cpu"
    if on_gpu:
        taken["device"] = torch.cuda.get_device_name()
    elif torch is not None and torch.backends.mps.is_available() and machine.device != "cpu":
        taken["device"] = "mps"
    return taken | {"threads": machine.threads}
