"""Values of each cell made comparable: which ones can be, and by what formula."""

import logging
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from spclust.errors import UserError
from spclust.stages.preprocess.units import FORMULAS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Where the values of a modality come from, in the words of messages.

    Attributes
    ----------
    modality : str
    section : str
        Where the configuration sets how the modality is prepared.
    cells, features : array of str
        Names of the rows and of the columns.
    """

    modality: str
    section: str
    cells: np.ndarray
    features: np.ndarray

    @property
    def word(self):
        """What one feature is called."""
        return "protein" if self.modality == "protein" else f"{self.modality} feature"

    def key(self, setting="normalisation"):
        """Key of a setting in the configuration."""
        return f"{self.section}.{setting}"

    def first(self, x, faulty):
        """Place of the first value at fault, which is not zero, in words; and the value."""
        entries = sp.coo_array(x)
        i = np.flatnonzero(faulty(entries.data))[0]
        row, column = entries.coords[0][i], entries.coords[1][i]
        place = f"cell {self.cells[row]!r}, {self.word} {self.features[column]!r}"
        return f"{place}: the value", entries.data[i]


def check_values(x, settings, source):
    """Refuse values that cannot be normalised, and tell of those that look normalised.

    Parameters
    ----------
    x : array or sparse array of float32, shape (n, d)
    settings : dict
    source : Source

    Raises
    ------
    UserError
        Naming the cell, the feature and the setting.
    """
    normalisation, key = settings["normalisation"], source.key()
    of_shares = normalisation == "total" or (
        normalisation in FORMULAS and FORMULAS[normalisation].of_shares
    )
    values = x.data if sp.issparse(x) else x
    if not np.isfinite(values).all():
        place, value = source.first(x, lambda v: ~np.isfinite(v))
        raise UserError(f"{place} is {value}; remove or fill such values before the import")
    if normalisation == "none":
        return
    if (values < 0).any():
        _check_negative(x, normalisation, source)
    totals = np.asarray(x.sum(axis=1)).ravel()
    if of_shares and (totals == 0).any():
        rows = np.flatnonzero(totals == 0)
        raise UserError(
            f"cell {source.cells[rows[0]]!r} ({len(rows)} in all): every {source.word} is zero, "
            f"so its sum cannot be normalised; remove such cells, or set {key}: arcsinh"
        )
    for whole in (1.0, 100.0):
        if normalisation == "total" and np.allclose(totals, whole, rtol=1e-3):
            log.warning(
                "all cells sum to %g: these are shares, normalised to a sum already; `total` only "
                "rescales them",
                whole,
            )
    counts = normalisation == "clr" or (normalisation == "total" and settings["highly_variable"])
    if counts and (values != np.round(values)).any():
        place, value = source.first(x, lambda v: v != np.round(v))
        log.warning(
            "%s is %g, no whole number, where counts are expected; if the values are transformed "
            "already, set %s: none",
            place,
            value,
            key,
        )


def _check_negative(x, normalisation, source):
    """Background subtracted beforehand leaves negative values, which an arcsinh can take."""
    full = x.toarray() if sp.issparse(x) else x
    standardised = (np.abs(full.mean(0)) < 0.1 * full.std(0)).mean() > 0.8
    if not standardised and normalisation in ("arcsinh", "arcsinh_median"):
        return
    place, value = source.first(x, lambda v: v < 0)
    kind = f" (the {source.word}s look like z-scores)" if standardised else ""
    raise UserError(
        f"{place} {value:g} is negative{kind} and cannot be normalised by {normalisation!r}; "
        f"set {source.key()}: none (the values are transformed already)"
        + ("" if standardised else " or arcsinh (background was subtracted)")
    )


def normalise(x, settings, constants=None):
    """Normalise each cell.

    The formulas of :mod:`spclust.stages.preprocess.units` divide by constants of all cells, the
    others look at one cell alone. ``total`` scales a cell to ``target_sum`` and takes log1p.
    ``arcsinh`` is arcsinh(x / cofactor). ``clr`` is the centred log-ratio of each cell with one
    count added, ln((x + 1) / g(x + 1)) with g the geometric mean over the cell's features, as
    Stoeckius et al. (2017) define it. Its mirror image, one ratio per antibody across cells
    (muon's and Seurat's default, compared by Mulè et al. 2022), leaves each cell's depth in, and
    scaling undoes it.

    Parameters
    ----------
    x : array or sparse array of float32, shape (n, d)
        May be overwritten.
    settings : dict
        ``normalisation``, ``target_sum``, ``cofactor``.
    constants : dict of str to array (d,), optional
        What this function returned of the cells that others are put to the same scale with, at
        the features that are here. With ``usual`` among it, sums and means of a cell are
        estimated as if it had all features, so leave it out where none is missing.

    Returns
    -------
    x : array or sparse array of float32, shape (n, d)
    constants : dict of str to array (d,)
        ``usual``, a feature's mean share in the sum (of ``total`` and other formulas of shares)
        or mean log-ratio (``clr``); ``unit``, what its values were divided by.
    """
    import anndata
    import scanpy as sc

    kind, constants, own = settings["normalisation"], constants or {}, {}
    usual = constants.get("usual")
    if kind in FORMULAS:
        return FORMULAS[kind].applied(x, usual, constants.get("unit"))
    if kind == "total":
        table = anndata.AnnData(x)
        target_sum = settings["target_sum"] * (1.0 if usual is None else usual.sum())
        sc.pp.normalize_total(table, target_sum=target_sum)
        own["usual"] = _mean(table.X) / target_sum
        sc.pp.log1p(table)
        x = table.X
    elif kind == "arcsinh":
        cofactor = np.float32(settings["cofactor"])
        if sp.issparse(x):
            x.data = np.arcsinh(x.data / cofactor)
        else:
            x = np.arcsinh(x / cofactor)
    elif kind == "clr":
        import muon  # takes seconds to import

        table = anndata.AnnData(x.toarray() if sp.issparse(x) else x)
        muon.prot.pp.clr(table, axis=1, flavor="stoeckius")
        own["usual"] = _mean(table.X)
        x = table.X if usual is None else table.X + np.float32(usual.mean())
    return x, own


def _mean(x):
    return np.asarray(x.mean(axis=0, dtype=np.float64)).ravel()
