"""Differences between slices or images that were stained apart, taken out."""

import logging

import numpy as np
import pandas as pd

from spclust.errors import UserError

log = logging.getLogger(__name__)


def batches(cells):
    """What was stained together: the slices of a cohort, else the images.

    Returns
    -------
    batch : array of str, shape (n,)
    unit : {'slice', 'image'}
    """
    unit = "slice" if len(np.unique(cells.slice)) > 1 else "image"
    return getattr(cells, unit), unit


def combat(x, batch, unit, key):
    """Bring location and spread of each feature to those over all batches (Johnson et al. 2007).

    Parameters
    ----------
    x : array, shape (n, d)
    batch : array of str, shape (n,)
    unit, key : str
        What a batch is, and the configuration's key, for messages.

    Returns
    -------
    array of float32, shape (n, d)

    Raises
    ------
    UserError
        Where a batch is too small, or the features are too few, to estimate its spread.
    """
    import anndata
    import scanpy as sc

    names, sizes = np.unique(batch, return_counts=True)
    if sizes.min() < 2:
        raise UserError(
            f"{unit} {names[sizes.argmin()]!r} has one cell, so ComBat cannot estimate its spread; "
            f"leave it out, or set {key}: harmony"
        )
    varies = np.any([np.ptp(x[batch == name], axis=0) > 0 for name in names], axis=0)
    obs = pd.DataFrame({unit: pd.Categorical(batch)}, index=np.arange(len(x)).astype(str))
    # what differs between batches only is their difference, nothing is left of it
    result = np.tile(x.mean(axis=0), (len(x), 1))
    table = anndata.AnnData(x[:, varies], obs=obs)
    with np.errstate(divide="ignore"):  # a feature may be the same throughout one batch
        result[:, varies] = sc.pp.combat(table, unit, inplace=False)
    if not np.isfinite(result).all():
        raise UserError(
            f"ComBat found no correction of {varies.sum()} features that vary; its estimates "
            f"borrow from feature to feature and need several. Set {key}: harmony or none"
        )
    return result.astype(np.float32)


def harmony(x, batch, seed=0):
    """Move like cells of different batches together (Harmony, Korsunsky et al. 2019).

    Parameters
    ----------
    x : array, shape (n, d)
    batch : array of str, shape (n,)
    seed : int

    Returns
    -------
    array of float32, shape (n, d)
    """
    import harmonypy

    # its default, which is no cluster at all below 15 cells
    n_clusters = max(1, min(round(len(x) / 30), 100))
    # features by cells: the other way is told apart by the shape alone, and fails when square
    fitted = harmonypy.run_harmony(
        x.T,
        {"batch": batch},
        "batch",
        nclust=n_clusters,
        random_state=seed,
        verbose=False,
        ncores=1,
    )
    return np.asarray(fitted.Z_corr, dtype=np.float32)
