"""Clusters written back into the object that the cells came in."""

import logging

import numpy as np
import pandas as pd

from spclust.clustering.colours import cluster_colours, name_colours
from spclust.data.cell_files import GIVEN, IMAGE, SLICE, SPATIAL, set_unit, unit_of
from spclust.data.clusters import NO_TYPE
from spclust.data.samples import of_cells
from spclust.errors import UserError

log = logging.getLogger(__name__)


def add_clusters(
    data,
    labels,
    clusters,
    key,
    embedding,
    umap,
    names=None,
    additions=None,
    samples=None,
    keep_mudata=False,
    scimap=False,
):
    """Add a clustering to the imported cells where scanpy, squidpy and muon look for it.

    Parameters
    ----------
    data : MuData, n cells
        Imported; not changed.
    labels : Series
        Reference labels by cell id, missing for cells that are not scored.
    clusters : DataFrame, shape (n, 2 or 3)
        ``cluster``, ``confidence`` and, where it is known, what each cell is called as ``name``;
        indexed by cell id in the order of ``embedding``.
    key : str
        Name of the clustering.
    embedding : array, shape (n, d)
    umap : array, shape (n, 2)
    names : DataFrame, optional
        Proposed names of the clusters, see :func:`spclust.analyses.names.name_clusters`.
    additions : dict of str to DataFrame, optional
        Tables of other analyses with a row a cell, each column as
        ``obs[<key>_<analysis>_<column>]``.
    samples : DataFrame, optional
        What the user's sheet says of the images, see :func:`spclust.data.samples.of_cells`.
    keep_mudata : bool
        Return MuData even of a single modality.
    scimap : bool
        Add the columns of obs that scimap looks for; names of the cells are its phenotypes.

    Returns
    -------
    AnnData or MuData
        A copy with ``obs[key]`` (categorical), ``obs[key + '_confidence']``,
        ``obs[key + '_name']`` where cells are called something, ``obs['image']``,
        ``obs['slice']``, ``obs['label']`` where there are labels, ``obsm['spatial']``,
        ``obsm['X_' + key]``, ``obsm['X_umap']`` and ``uns[key + '_colors']``,
        ``uns[key + '_name_colors']``, the colours of the workflow's figures in the order of the
        categories. Where names are given, the table with their evidence as
        ``uns[key + '_names']``. Of a single modality that is the user's own object; of several
        they stand at the top level, above the user's modalities.
        What the file has under one of these names, in capitals or not, stays as
        ``..._original``, as SpatialData takes no two names that differ in capitals only. But a
        column ``Image`` that says what ``image`` would say stands for it.

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
    categories = [str(i) for i in numbers]
    put(done.obs, key, pd.Categorical(assigned.astype(str), categories=categories))
    put(done.obs, f"{key}_confidence", clusters["confidence"].to_numpy()[order])
    colours = cluster_colours(assigned, labels)
    done.uns[f"{key}_colors"] = np.array([colours[i] for i in numbers.tolist()], dtype=object)
    if "name" in clusters:
        called = clusters["name"].to_numpy(dtype=object)[order]
        put(done.obs, f"{key}_name", pd.Categorical(called))
        of_names = name_colours(called, assigned, colours, NO_TYPE)
        done.uns[f"{key}_name_colors"] = np.array(list(of_names.values()), dtype=object)
    if names is not None:
        # text throughout: h5ad takes no column that is missing in all rows
        text = names.select_dtypes(exclude="number").columns
        done.uns[f"{key}_names"] = names.assign(**names[text].fillna("").astype(str))
    for analysis, table in (additions or {}).items():
        for column in table:
            put(done.obs, f"{key}_{analysis}_{column}", table[column].reindex(ids).to_numpy())
    for column in (IMAGE, SLICE):
        put(done.obs, column, data.obs[column].to_numpy())
    if samples is not None:
        for column, values in of_cells(samples, data.obs[IMAGE], done.obs).items():
            done.obs[column] = values
    if pd.notna(labels).any():
        put(done.obs, "label", pd.Categorical(labels))
    places = np.asarray(data.obsm[SPATIAL])
    put(done.obsm, SPATIAL, places)
    if unit_of(data) is not None:
        set_unit(done, unit_of(data))
    put(done.obsm, f"X_{key}", np.asarray(embedding, dtype=np.float32)[order])
    put(done.obsm, "X_umap", np.asarray(umap, dtype=np.float32)[order])
    if scimap:
        for column, values in zip(("X_centroid", "Y_centroid"), places.T):
            put(done.obs, column, values)
        put(done.obs, "imageid", data.obs[IMAGE].to_numpy())
        put(done.obs, "phenotype", done.obs[f"{key}_name"].to_numpy())
    log.info("%d cells in %d clusters as obs[%r]", len(ids), len(numbers), key)
    return done


def put(store, name, values):
    """Put values into obs or obsm under a name; what stands there gets another, and is said."""
    for twin in [other for other in store if other.lower() == name.lower()]:
        same = _same(store[twin], values)
        if same and twin != name == IMAGE:
            log.info("%r of the file says what %r would say, and stands for it", twin, name)
            return
        if twin != name or not same:
            store[f"{twin}_original"] = store[twin]
            log.info("%r of the file stays as %r", twin, f"{twin}_original")
        if twin != name:
            del store[twin]
    store[name] = values


def _same(one, other):
    """Whether two columns or arrays hold the same, numbers to the precision of float32."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind in "iuf" and other.dtype.kind in "iuf" and one.shape == other.shape:
        return np.allclose(one, other, rtol=1e-6, equal_nan=True)
    return np.array_equal(one.astype(str), other.astype(str))
