"""Clusters written back into the AnnData object they came from."""

import logging

import numpy as np
import pandas as pd

from spclust import style
from spclust.errors import UserError
from spclust.metrics import labels_of

log = logging.getLogger(__name__)


def add_clusters(cells, clusters, key, embedding, umap):
    """Add a clustering to the imported cells where scanpy and squidpy look for it.

    Parameters
    ----------
    cells : AnnData, (n, d)
        Imported cells; not changed.
    clusters : DataFrame
        ``cluster`` and ``confidence``, indexed by cell id in the order of ``embedding``.
    key : str
        Name of the clustering.
    embedding : array, shape (n, d')
    umap : array, shape (n, 2)

    Returns
    -------
    AnnData
        A copy with ``obs[key]`` (categorical), ``obs[key + '_confidence']``,
        ``obsm['X_' + key]``, ``obsm['X_umap']`` and ``uns[key + '_colors']``, the colours of
        the workflow's figures in the order of the categories.

    Raises
    ------
    UserError
        When clusters and cells are not the same cells.
    """
    unknown, missing = (
        clusters.index.difference(cells.obs_names),
        cells.obs_names.difference(clusters.index),
    )
    if len(unknown) or len(missing) or not len(clusters) == len(embedding) == len(umap):
        example = f", e.g. {[*missing, *unknown][0]!r}" if len(unknown) or len(missing) else ""
        raise UserError(
            f"the {len(cells)} cells, {len(clusters)} clusters, {len(embedding)} rows of the "
            f"embedding and {len(umap)} of the UMAP do not belong together: {len(missing)} cells "
            f"have no cluster and {len(unknown)} clusters no cell{example}; the files of this run "
            "are of different versions, remake them with snakemake --forcerun import_cells"
        )
    cells = cells.copy()
    order = clusters.index.get_indexer(cells.obs_names)
    assigned = clusters["cluster"].to_numpy()[order]
    ids = np.unique(assigned)
    cells.obs[key] = pd.Categorical(assigned.astype(str), categories=[str(i) for i in ids])
    cells.obs[f"{key}_confidence"] = clusters["confidence"].to_numpy()[order]
    cells.obsm[f"X_{key}"] = np.asarray(embedding, dtype=np.float32)[order]
    cells.obsm["X_umap"] = np.asarray(umap, dtype=np.float32)[order]
    colours = style.cluster_colours(assigned, labels_of(cells))
    cells.uns[f"{key}_colors"] = np.array([colours[i] for i in ids.tolist()], dtype=object)
    log.info("%d cells in %d clusters as obs[%r]", cells.n_obs, len(ids), key)
    return cells
