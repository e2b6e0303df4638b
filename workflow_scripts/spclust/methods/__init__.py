"""Methods: one recipe a file, all with the signature of :func:`cluster` below the settings."""

import importlib
import logging
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from spclust import contracts, logs
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


@dataclass
class Clustering:
    """What every recipe returns, for the original cells only.

    Attributes
    ----------
    labels : array of int, shape (n,)
        Clusters ``0 .. n_clusters - 1``.
    confidence : array of float, shape (n,)
        In [0, 1].
    embedding : array of float32, shape (n, d)
        What the labels were found in.
    tables : dict of str to DataFrame
        Further results by the name of the output they belong to.
    model : bytes or None
        A trained model as its framework stores it.
    cost : dict
        What :func:`cost` adds, and what else a recipe has to say on it; ``seconds_before`` are
        added to its seconds.
    """

    labels: np.ndarray
    confidence: np.ndarray
    embedding: np.ndarray
    tables: dict = field(default_factory=dict)
    model: bytes | None = None
    cells: pd.Index | None = None
    cost: dict = field(default_factory=dict)

    def write(self, output):
        """Write to the outputs ``clusters``, ``embedding``, ``cost``, ``model`` and the tables'."""
        table = pd.DataFrame(
            {"cell": self.cells, "cluster": self.labels, "confidence": self.confidence}
        )
        contracts.write_table(table.round({"confidence": 6}), output.clusters)
        contracts.write_array(self.embedding.astype(np.float32), output.embedding)
        contracts.write_json(self.cost, output.cost)
        for name, table in self.tables.items():
            contracts.write_table(table, getattr(output, name))
        if self.model is not None:
            with contracts.atomic(output.model) as temporary:
                temporary.write_bytes(self.model)


def original_rows(cells):
    """Row numbers of the cells that were measured; synthetic ones come after them."""
    if contracts.SYNTHETIC not in cells.obs:
        return np.arange(cells.n_obs)
    return np.flatnonzero(~cells.obs[contracts.SYNTHETIC].to_numpy(dtype=bool))


def proteins_and_images(cells):
    """Proteins (n, d) float32 and the image of each row, synthetic rows included."""
    return np.asarray(cells.X, dtype=np.float32), cells.obs[contracts.IMAGE].to_numpy()


def from_all_rows(cells, labels, confidence):
    """Result of a method that worked on the proteins of all rows, synthetic ones included."""
    rows = original_rows(cells)
    return Clustering(labels[rows], confidence[rows], proteins_and_images(cells)[0][rows])


def cluster(cells, n_clusters, seed, settings, graphs=None, machine=Machine()):
    """Cluster cells with the recipe named in the settings.

    Parameters
    ----------
    cells : AnnData
        Prepared or balanced cells; synthetic ones, marked in ``obs['synthetic']``, come last.
    n_clusters : int
    seed : int
        Seed of every random draw.
    settings : dict
        ``recipe`` and the recipe's own keys.
    graphs : Graphs or None
        Of all rows, for recipes that work on them.
    machine : Machine

    Returns
    -------
    Clustering

    Raises
    ------
    UserError
        When there are fewer original cells than clusters.
    """
    n = len(original_rows(cells))
    if n < n_clusters:
        raise UserError(
            f"{n_clusters} clusters were asked of {n} cells; lower n_clusters in the config"
        )
    recipe, own = settings["recipe"], {k: v for k, v in settings.items() if k != "recipe"}
    log.info(
        "%s: %d cells, %d rows, %d clusters, seed %d", recipe, n, cells.n_obs, n_clusters, seed
    )
    module = importlib.import_module(f"spclust.methods.{recipe}")
    started = time.monotonic()
    result = module.cluster(cells, n_clusters, seed, own, graphs, machine)
    seconds = time.monotonic() - started + result.cost.pop("seconds_before", 0.0)
    result.cost |= cost(seconds, machine)
    result.cells = cells.obs_names[:n]
    sizes = np.bincount(result.labels, minlength=n_clusters)
    log.info("cells per cluster: %s", sizes.tolist())
    if not sizes.all():
        log.warning("%d of %d clusters were left empty", (sizes == 0).sum(), n_clusters)
    return result


def cost(seconds, machine):
    """What a clustering took: time and the largest memory of the process and on the GPU."""
    taken = {"seconds": round(seconds, 3), "peak_memory_mb": round(logs.peak_memory(), 1)}
    torch = sys.modules.get("torch")  # a method that did not load it used no GPU
    on_gpu = torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated()
    taken["peak_gpu_memory_mb"] = (
        round(torch.cuda.max_memory_allocated() / 2**20, 1) if on_gpu else 0.0
    )
    taken["device"] = torch.cuda.get_device_name() if on_gpu else "cpu"
    return taken | {"threads": machine.threads}
