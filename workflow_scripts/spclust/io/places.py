"""Where the cells of an AnnData lie: which of its ``obsm`` says so, and what is wrong with it."""

import logging

import numpy as np
import pandas as pd

from spclust.data.cell_files import SPATIAL
from spclust.errors import UserError
from spclust.io import guess, tables

log = logging.getLogger(__name__)

# in a name of obsm that tells of places: X_spatial, spatialCoords, centroids
_WORDS = ("spatial", "coord", "centroid", "position", "location")
_EMBEDDINGS = ("umap", "tsne", "pca", "harmony", "phate", "diffmap", "drawgraph", "scvi")


def held(mappings, modalities):
    """Arrays of obsm by key, the first that has one; but for those that name a modality's cells."""
    return {
        key: values
        for mapping in reversed(mappings)
        for key, values in mapping.items()
        if key not in modalities and getattr(values, "ndim", 0) == 2
    }


def key(held, named, source):
    """Key of obsm that holds places, or None; and what of it was guessed.

    Parameters
    ----------
    held : dict of str to array
    named : str or None
        ``spatial_key`` of the dataset.
    source : str
        For messages.

    Returns
    -------
    (str or None, dict)

    Raises
    ------
    UserError
        When there is no such key, or several look alike.
    """
    if named is not None:
        tables.require(named, held, "spatial_key", f"{source}, obsm", "key")
        return named, {}
    if SPATIAL in held:
        return SPATIAL, {}
    like = [k for k in _flat(held) if any(word in guess.plain(k) for word in _WORDS)]
    if len(like) > 1:
        raise UserError(
            f"{source}: {' and '.join(f'obsm[{k!r}]' for k in like)} may be the places of cells; "
            f"write  spatial_key: {like[0]}  or another in the dataset's entry"
        )
    return (like[0], {"spatial_key": like[0]}) if like else (None, {})


def others(held):
    """Words for the arrays of obsm that may hold places, or none."""
    return "".join(
        f"; if cells lie where obsm[{k!r}] says, write  spatial_key: {k}" for k in _flat(held)[:1]
    )


def of(held, key, table, source):
    """The places, checked.

    Parameters
    ----------
    held : dict of str to array
    key : str
    table : Table
        Of obs, rows as in the arrays.
    source : str
        For messages.

    Returns
    -------
    array of float, shape (n, 2)
        Finite as float32, too.

    Raises
    ------
    UserError
        When places have not two columns, are no numbers or missing, with what else may serve.
    """
    values = _numbers(held[key])
    if values is None:
        raise UserError(f"{source}: obsm[{key!r}] holds no numbers; write x and y there")
    if values.shape[1] < 2:
        raise UserError(
            f"{source}: obsm[{key!r}] has the shape {values.shape}, (cells, 2) is expected"
        )
    if values.shape[1] > 2:
        log.warning(
            "%s: obsm[%r] has %d columns; x and y, the first two, are used",
            source,
            key,
            values.shape[1],
        )
    values = values[:, :2]
    bad = np.flatnonzero(~np.isfinite(values.astype(np.float32)).all(axis=1))
    if len(bad) == len(values):
        raise UserError(
            f"{source}: obsm[{key!r}] says of none of the {len(values)} cells where it lies, all "
            f"is NaN; {_instead(held, key, table)}"
        )
    if len(bad):
        file, line = table.sources["obs"].iloc[bad[0]]
        name = table.frame["obs_names"].iloc[bad[0]]
        raise UserError(
            f"{file}, {table.unit} {line}, cell {name!r}: in obsm[{key!r}] its place is missing "
            f"({len(bad)} of {len(values)} cells have none); write the file without such cells,  "
            f"adata[np.isfinite(adata.obsm[{key!r}]).all(axis=1)].write_h5ad(...)"
        )
    return values


def _instead(held, key, table):
    """The line that names other places in the file."""
    flat = [k for k in _flat(held) if k != key and np.isfinite(_numbers(held[k])).all()]
    like = [k for k in flat if any(word in guess.plain(k) for word in _WORDS)]
    x, y = guess.coordinates(table.frame.columns)
    if like or (flat and x is None):
        return f"other places are in  spatial_key: {(like or flat)[0]}"
    if x is not None:
        return f"obs has other places, write  x: {x}  and  y: {y}  in the dataset's entry"
    return "fill it, name columns of obs as  x:  and  y:, or write  x: null  for cells without"


def _flat(held):
    """Keys of arrays of two or three numbers a cell that are no embedding by their names."""
    return [
        k
        for k, v in held.items()
        if v.shape[1] in (2, 3)
        and _numbers(v) is not None
        and not any(word in guess.plain(k) for word in _EMBEDDINGS)
    ]


def _numbers(values):
    """An array, a frame or a sparse matrix of obsm as array of float, None if it is text."""
    if isinstance(values, pd.DataFrame):
        x, y = guess.coordinates(values.columns)
        values = values if x is None else values[[x, y]]
    try:
        dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
        return dense.astype(float)
    except (TypeError, ValueError):
        return None
