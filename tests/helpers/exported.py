"""Clustered cells, and what the export makes of them."""

import anndata
import mudata
import numpy as np
import pandas as pd

from spclust.io.writers import clustered


def imported(n=60, labels=True, modalities=("protein",)):
    """Cells as import_cells leaves them, their labels, clusters, embedding and UMAP."""
    mudata.set_options(pull_on_update=False)
    rng = np.random.default_rng(0)
    ids = [f"c{i}" for i in range(n)]
    parts = {}
    for modality in modalities:
        x = np.random.default_rng(1).uniform(size=(n, 3))
        part = anndata.AnnData(x.astype(np.float32))
        part.obs_names, part.layers["raw"] = ids, 2 * part.X
        part.obs["area"] = np.arange(n)
        parts[modality] = part
    data = mudata.MuData(parts)
    data.obs["image"] = pd.Categorical(np.where(np.arange(n) % 2, "left", "right"))
    data.obs["slice"] = pd.Categorical(["one"] * n)
    data.obsm["spatial"] = rng.uniform(size=(n, 2))
    code = np.arange(n) % 12
    names = np.where(code < 6, "zebra", "ant").astype(object) if labels else np.full(n, np.nan)
    table = pd.DataFrame({"cluster": code, "confidence": rng.uniform(size=n)}, index=ids)
    truth = pd.Series(names, index=ids, dtype=object)
    return data, truth, table, rng.normal(size=(n, 5)), rng.normal(size=(n, 2))


def add(given, key="spclust", **others):
    data, labels, table, embedding, umap = given
    return clustered.add_clusters(data, labels, table, key, embedding, umap, **others)
