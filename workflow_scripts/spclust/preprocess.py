"""Normalise the proteins of a slice (paper, appendix B.1)."""

import logging

import numpy as np
import scipy.sparse as sp

from spclust.contracts import SPATIAL
from spclust.errors import UserError

log = logging.getLogger(__name__)

KEY = "preprocess.<name>.normalisation"


def preprocess(cells, normalisation, target_sum, cofactor, scale, zero_center, clip):
    """Normalise, scale and clip.

    Parameters
    ----------
    cells : AnnData, (n, d)
        Imported cells.
    normalisation : {'total', 'arcsinh', 'none'}
        Each cell to ``target_sum`` and log1p; ``arcsinh(x / cofactor)``; values as they are.
    target_sum, cofactor : float
    scale : bool
        Proteins to unit variance, and to mean zero where ``zero_center``.
    zero_center : bool
    clip : float or None
        Truncate scaled values; at both sides when centred, else at the top.

    Returns
    -------
    AnnData
        X dense float32, the settings in ``uns['preprocess']``; of the rest obs, var and
        ``obsm['spatial']`` only: layers, graphs and raw stay with the imported cells.

    Raises
    ------
    UserError
        For values that cannot be normalised; names the cell, the protein and the setting.
    """
    import anndata
    import scanpy as sc

    if cells.n_obs < 2:
        raise UserError(f"the slice has {cells.n_obs} cell; clustering needs at least 2")
    if "log1p" in cells.uns and normalisation != "none":
        log.warning(
            "uns['log1p'] says that the values are logarithms already; if so, set %s: none", KEY
        )
    x = cells.X.toarray() if sp.issparse(cells.X) else cells.X
    cells = anndata.AnnData(
        np.array(x, dtype=np.float32, order="C"),
        obs=cells.obs.copy(),
        var=cells.var.copy(),
        obsm={SPATIAL: np.asarray(cells.obsm[SPATIAL])},
    )
    _check_values(cells, normalisation)
    constant = np.ptp(cells.X, axis=0) == 0
    if normalisation == "total":
        sc.pp.normalize_total(cells, target_sum=target_sum)
        sc.pp.log1p(cells)
    elif normalisation == "arcsinh":
        cells.X = np.arcsinh(cells.X / np.float32(cofactor))
    # rounding must not pass for a difference, which scaling would blow up to unit variance
    constant |= np.ptp(cells.X, axis=0) <= 1e-6 * np.abs(cells.X).max(axis=0)
    if constant.all():
        raise UserError(
            f"every protein is the same in all {cells.n_obs} cells after normalisation "
            f"{normalisation!r}; there is nothing to cluster by. Check the protein columns "
            "(dataset keys `proteins`, `exclude_proteins`)"
        )
    if constant.any():
        names = ", ".join(cells.var_names[constant][:10])
        log.warning(
            "%d proteins are the same in all cells and are set to zero; leave them out with "
            "`exclude_proteins` of the dataset: %s", constant.sum(), names,
        )  # fmt: skip
        cells.X[:, constant] = 0
    if scale:
        sc.pp.scale(cells, zero_center=zero_center, max_value=clip)
    settings = {"normalisation": normalisation, "target_sum": target_sum, "cofactor": cofactor,
                "scale": scale, "zero_center": zero_center, "clip": clip}  # fmt: skip
    cells.uns = {"preprocess": {k: v for k, v in settings.items() if v is not None}}
    log.info("%d cells, %d proteins: %s", *cells.shape, settings)
    return cells


def _check_values(cells, normalisation):
    x = cells.X
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise UserError(
            f"cell {cells.obs_names[row]!r}, protein {cells.var_names[column]!r}: the value is "
            f"{x[row, column]}; remove or fill such values before the import"
        )
    if normalisation == "none":
        return
    standardised = (np.abs(x.mean(0)) < 0.1 * x.std(0)).mean() > 0.8
    # background subtracted beforehand leaves negative values too, which arcsinh can take
    if (x < 0).any() and (standardised or normalisation == "total"):
        row, column = np.argwhere(x < 0)[0]
        kind = " (the proteins look like z-scores)" if standardised else ""
        raise UserError(
            f"cell {cells.obs_names[row]!r}, protein {cells.var_names[column]!r}: the value "
            f"{x[row, column]:g} is negative{kind} and cannot be normalised by {normalisation!r}; "
            f"set {KEY}: none (the values are transformed already)"
            + ("" if standardised else " or arcsinh (background was subtracted)")
        )
    totals = x.sum(1)
    if normalisation == "total" and (totals == 0).any():
        rows = np.flatnonzero(totals == 0)
        raise UserError(
            f"cell {cells.obs_names[rows[0]]!r} ({len(rows)} in all): every protein is zero, so "
            f"its sum cannot be normalised; remove such cells, or set {KEY}: arcsinh"
        )
    for whole in (1.0, 100.0):
        if normalisation == "total" and np.allclose(totals, whole, rtol=1e-3):
            log.warning(
                "all cells sum to %g: these are shares, normalised to a sum already; `total` only "
                "rescales them", whole,
            )  # fmt: skip
