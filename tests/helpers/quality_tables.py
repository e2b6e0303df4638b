"""Tissue as the analysis of quality sees it, and what it leaves of it."""

import mudata
import numpy as np
import pandas as pd

from spclust.analyses import task as tasks
from spclust.plan import analyses
from spclust.stages import simulate

CARD = analyses.load()["quality"]
KNOWLEDGE = {"signatures": ["shipped"], "proteins": ["shipped"]}


def tissue(n_cells=2000, n_images=4, seed=0, noise=0.5, **others):
    """A simulated tissue, AnnData, with areas and a nuclear stain beside the proteins."""
    others = {"names": "known", "spill_over": 0.1} | others
    n_proteins = others.pop("n_proteins", 30)
    cells = simulate.simulate_tissue(
        n_cells, n_proteins, n_images, noise, seed, state_markers=6, **others
    )
    rng = np.random.default_rng([seed, 7])
    cells.obs["area"] = rng.lognormal(4.5, 0.35, n_cells)
    cells.obs["DNA1"] = rng.lognormal(2, 0.3, n_cells)
    return cells


def imported(cells):
    """Cells as the import leaves them."""
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"protein": cells.copy()})
    data.obs["image"] = pd.Categorical(cells.obs["sample"].astype(str))
    data.obs["slice"] = pd.Categorical(["slice"] * len(cells))
    data.obsm["spatial"] = np.asarray(cells.obsm["spatial"], dtype=np.float32)
    return data


def task_of(data, **changes):
    """The task of the analysis, with settings changed."""
    task = tasks.Task(KNOWLEDGE, CARD.defaults | changes, {"dataset": "tissue"})
    task.__dict__["imported"] = data
    return task


def left_by_quality(folder, n_cells=900, n_images=4, area=True):
    """The folder that the analysis leaves of a tissue."""
    cells = tissue(n_cells, n_images)
    if not area:
        del cells.obs["area"]
    tasks.run(CARD.module, task_of(imported(cells)), folder, CARD.columns)
    return folder
