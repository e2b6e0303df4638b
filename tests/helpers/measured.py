"""Cells as measured, for tests of how they are prepared."""

from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from hypothesis import settings

from spclust.plan.stages import STAGES
from spclust.stages.preprocess.preparation import prepare

mudata.set_options(pull_on_update=False)
DEFAULTS = STAGES["preprocess"].defaults
LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
few = settings(deadline=None, max_examples=20)
METHODS = [
    {},
    {"normalisation": "arcsinh"},
    {"normalisation": "none"},
    {"normalisation": "clr"},
    {"normalisation": "total_median"},
    {"normalisation": "total_arcsinh", "scale_within": "slice"},
    {"normalisation": "share_arcsinh", "pca_components": 3},
    {"normalisation": "arcsinh_median"},
    {"normalisation": "sqrt"},
    {"normalisation": "total_median", "highly_variable": 6},
    {"scale": False},
    {"zero_center": False, "clip": 2.0},
    {"clip": None, "target_sum": 1e4},
    {"scale_within": "slice"},
    {"scale_within": "image", "pca_components": 3},
    {"normalisation": "clr", "pca_components": 4},
    {"highly_variable": 6},
    {"highly_variable": 6, "pca_components": 3, "scale": False},
]


def imported(image=None, slices=None, **modalities):
    """Cells as import_cells leaves them; a modality by name as a matrix or as AnnData."""
    parts = {}
    for name, x in modalities.items():
        if not isinstance(x, anndata.AnnData):
            x = x if sp.issparse(x) else np.asarray(x, dtype=np.float32)
            letter = name[0]
            x = anndata.AnnData(
                x,
                obs=pd.DataFrame(index=[f"c{i}" for i in range(x.shape[0])]),
                var=pd.DataFrame(index=[f"{letter}{j}" for j in range(x.shape[1])]),
            )
        parts[name] = x
    data = mudata.MuData(parts)
    n = data.n_obs
    data.obs["image"] = "image" if image is None else image
    data.obs["slice"] = "slice" if slices is None else slices
    data.obsm["spatial"] = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return data


def protein(x, changes=None, **others):
    """Prepared proteins, array (n, d)."""
    cells = prepare(imported(protein=x, **others), DEFAULTS | (changes or {}))
    return cells.features["protein"]


def named(data, names):
    """The proteins of some cells under other names."""
    part = data.mod["protein"].copy()
    part.var_names = names
    return imported(data.obs["image"].to_numpy(), data.obs["slice"].to_numpy(), protein=part)


def counts(seed=0, n=80, d=12, mean=3.0):
    rng = np.random.default_rng(seed)
    x = rng.poisson(mean * rng.lognormal(size=d), size=(n, d)).astype(np.float32)
    x[:, 0] += 1  # no cell is empty
    return x


# --- one modality, as the paper ---------------------------------------------------------------


def two_batches(n=300, shift=2.0):
    """Three cell types in two batches, of which the second is brighter in every feature."""
    rng = np.random.default_rng(0)
    truth, batch = rng.integers(3, size=n), rng.integers(2, size=n)
    x = rng.normal(size=(n, 6)) + 6 * (np.arange(6) % 3 == truth[:, None])
    return x + shift * batch[:, None] * np.array([1, -1, 1, -1, 1, -1]), batch, truth
