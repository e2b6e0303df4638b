"""What the recipe of a method gets, and what it returns."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data.atomic import whole_folder, write_json, write_table
from spclust.data.cells import Cells
from spclust.data.clusters import write_clusters
from spclust.data.graphs import Graphs
from spclust.data.models import Model
from spclust.data.values import write_values
from spclust.data.votes import Votes


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
        What :func:`spclust.methods.running.cost` adds, and what else a recipe has to say on it;
        ``seconds_before`` are added to its seconds, and ``memory_before`` is its peak where it
        was higher.
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
        write_clusters(self.labels, self.confidence, self.ids, clusters)
        write_values(self.embedding, self.ids, embedding)
        write_json(self.cost, cost)
        with whole_folder(extras) as folder:
            for name, table in self.tables.items():
                write_table(table, folder / f"{name}.csv")
            for name, table in self.per_cell.items():
                named = table.set_axis(pd.Index(self.ids, name="cell")).reset_index()
                write_table(named, folder / f"{name}.csv")
            if self.model is not None:
                self.model.save(folder / "model")
