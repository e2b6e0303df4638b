"""Clusters written back into the object that the cells came in."""

import logging

import numpy as np
import pandas as pd

from spclust.clustering.colours import cluster_colours
from spclust.data.cell_files import GIVEN, IMAGE, SLICE, SPATIAL
from spclust.errors import UserError

log = logging.getLogger(__name__)


def add_clusters(
    data, labels, clusters, key, embedding, umap, names=None, additions=None, keep_mudata=False
):
    """Add a clustering to the imported cells where scanpy, squidpy and muon look for it.

    Parameters
    ----------
    data : MuData, n cells
        Imported; not changed.
    labels : Series
        Reference labels by cell id, missing for cells that are not scored.
    clusters : DataFrame, shape (n, 2)
        ``cluster`` and ``confidence``, indexed by cell id in the order of ``embedding``.
    key : str
        Name of the clustering.
    embedding : array, shape (n, d)
    umap : array, shape (n, 2)
    names : DataFrame, optional
        Proposed names of the clusters, see :func:`spclust.analyses.names.name_clusters`.
    additions : dict of str to DataFrame, optional
        Tables of other analyses with a row a cell, each column as
        ``obs[<key>_<analysis>_<column>]``.
    keep_mudata : bool
        Return MuData even of a single modality.

    Returns
    -------
    AnnData or MuData
        A copy with ``obs[key]`` (categorical), ``obs[key + '_confidence']``, ``obs['image']``,
        ``obs['slice']``, ``obs['label']`` where there are labels, ``obsm['spatial']``,
        ``obsm['X_' + key]``, ``obsm['X_umap']`` and ``uns[key + '_colors']``, the colours of
        the workflow's figures in the order of the categories. Where names are given, each cell's
        as ``obs[key + '_name']`` and the table with their evidence as ``uns[key + '_names']``.
        Of a single modality that is the user's own object, in which what stood under the name of
        a clustering or of the UMAP stays as ``..._original``; of several they stand at the top
        level, above the user's modalities.

    Raises
    ------
    UserError
        When clusters and cells are not the same cells.
    """
    ids = data.obs_names
    unknown, missing = clusters.index.difference(ids), ids.difference(clusters.index)
    if len(unknown) or len(missing) or not len(clusters) == len(embedding) == len(umap):
        example = f", e.g. {[*missing, *unknown][0]!r}" if len(unknown) or len(missing) else ""
        raise UserError(
            f"the {len(ids)} cells, {len(clusters)} clusters, {len(embedding)} rows of the "
            f"embedding and {len(umap)} of the UMAP do not belong together: {len(missing)} cells "
            f"have no cluster and {len(unknown)} clusters no cell{example}; the files of this run "
            "are of different versions, remake them with snakemake --forcerun import_cells"
        )
    modalities = list(data.mod.values())
    single = len(modalities) == 1 and not keep_mudata
    done = modalities[0][ids].copy() if single else data.copy()
    for part in [done] if single else done.mod.values():
        if GIVEN in part.layers:
            part.X = part.layers.pop(GIVEN)
    order = clusters.index.get_indexer(ids)
    assigned = clusters["cluster"].to_numpy()[order]
    numbers = np.unique(assigned)
    labels = labels.reindex(ids).to_numpy(dtype=object)
    for store, own in (
        (done.obs, [key, f"{key}_confidence", *([] if names is None else [f"{key}_name"])]),
        (done.obsm, [f"X_{key}", "X_umap"]),
    ):
        for name in own:
            if name in store:
                store[f"{name}_original"] = store[name]
                log.info("%s of the file stays as %s_original", name, name)
    done.obs[key] = pd.Categorical(assigned.astype(str), categories=[str(i) for i in numbers])
    done.obs[f"{key}_confidence"] = clusters["confidence"].to_numpy()[order]
    if names is not None:
        said = names.set_index("cluster")["name"]
        done.obs[f"{key}_name"] = pd.Categorical(said.reindex(assigned).to_numpy(dtype=object))
        # text throughout: h5ad takes no column that is missing in all rows
        text = names.select_dtypes(exclude="number").columns
        done.uns[f"{key}_names"] = names.assign(**names[text].fillna("").astype(str))
    for analysis, table in (additions or {}).items():
        for column in table:
            done.obs[f"{key}_{analysis}_{column}"] = table[column].reindex(ids).to_numpy()
    for column in (IMAGE, SLICE):
        done.obs[column] = data.obs[column].to_numpy()
    if pd.notna(labels).any():
        done.obs["label"] = pd.Categorical(labels)
    done.obsm[SPATIAL] = np.asarray(data.obsm[SPATIAL])
    done.obsm[f"X_{key}"] = np.asarray(embedding, dtype=np.float32)[order]
    done.obsm["X_umap"] = np.asarray(umap, dtype=np.float32)[order]
    colours = cluster_colours(assigned, labels)
    done.uns[f"{key}_colors"] = np.array([colours[i] for i in numbers.tolist()], dtype=object)
    log.info("%d cells in %d clusters as obs[%r]", len(ids), len(numbers), key)
    return done
