"""Clustering with any recipe, and labelling with what one has learnt."""

import importlib
import logging
import sys
import time
from pathlib import Path

import numpy as np

from spclust.data.models import Model
from spclust.data.requirements import enough_cells
from spclust.engine import logs
from spclust.errors import UserError
from spclust.methods.task import Machine, Task

log = logging.getLogger(__name__)


def cluster(
    cells,
    n_clusters,
    seed,
    settings,
    name="",
    graphs=None,
    machine=None,
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
    n, machine = cells.n_original, machine or Machine()
    enough_cells(n, n_clusters)
    recipe, own = settings["recipe"], {k: v for k, v in settings.items() if k != "recipe"}
    log.info("%s: %d cells, %d rows, %d clusters, seed %d", recipe, n, len(cells), n_clusters, seed)
    module = recipe_of(recipe)
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


def recipe_of(name):
    """The module of a recipe; beside the others, or in a folder with what it alone uses.

    Raises
    ------
    UserError
        When there is none of that name.
    """
    for path in Path(__file__).parent.rglob(f"{name}.py"):
        if path.with_suffix(".yaml").exists():
            inside = path.relative_to(Path(__file__).parent).with_suffix("").parts
            return importlib.import_module(".".join(["spclust.methods", *inside]))
    raise UserError(f"{name!r} is not a method of this version of the workflow")


def predict(model, cells, graphs=None, machine=None):
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
    module, machine = recipe_of(model.recipe), machine or Machine()
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
