"""Normalisation by constants of all cells: each feature is measured in a unit of its own.

A fixed cofactor does not travel between technologies; medians of the positive values do. Every
formula is ``f(v / unit)`` with v the value or its share in the cell's sum, f(0) = 0, and the units
are kept, so that other cells are measured in the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

# above this quantile of a feature `sqrt` takes values for outliers
HIGHEST = 0.999


@dataclass(frozen=True)
class Formula:
    """One choice of the setting ``normalisation``.

    Attributes
    ----------
    of_shares : bool
        Whether v is the share p of a value in the cell's sum T, or the value x itself.
    curve : callable
        f, elementwise.
    units : callable
        From v, x (both n, d) and T (n,) to the units (d,); not finite or 0 where there is none.
    """

    of_shares: bool
    curve: Callable
    units: Callable

    def applied(self, x, usual=None, unit=None):
        """Normalise values (n, d), dense or sparse; see :func:`.normalise.normalise`."""
        totals, constants, values = np.asarray(x.sum(axis=1, dtype=np.float64)).ravel(), {}, x
        if self.of_shares:
            # of cells that lack features: the sum as if they had them
            share = 1.0 if usual is None else usual.sum()
            factor = (share / np.where(totals > 0, totals, 1)).astype(np.float32)
            values = _by_rows(x, factor)
            constants["usual"] = np.asarray(values.mean(axis=0, dtype=np.float64)).ravel()
        if unit is None:
            unit = self.units(values, x, totals)
            unit = np.where(np.isfinite(unit) & (unit > 0), unit, 1.0)
        constants["unit"] = unit
        values = _by_columns(values, (1 / unit).astype(np.float32))
        if sp.issparse(values):
            values.data = self.curve(values.data)
            return values, constants
        return self.curve(values), constants


def _by_rows(x, factor):
    if sp.issparse(x):
        return sp.csr_matrix(sp.diags(factor) @ x, dtype=np.float32)
    return x * factor[:, None]


def _by_columns(x, factor):
    if sp.issparse(x):
        return sp.csr_matrix(x @ sp.diags(factor), dtype=np.float32)
    return x * factor


def _columns(x):
    """Values of each feature that are not zero, and how many cells there are."""
    if sp.issparse(x):
        columns = sp.csc_matrix(x)
        return np.split(columns.data, columns.indptr[1:-1])
    return [column[column != 0] for column in np.asarray(x).T]


def medians(x):
    """Median of the positive values of each feature, shape (d,); missing where there is none."""
    positive = [column[column > 0] for column in _columns(x)]
    return np.array([np.median(c) if len(c) else np.nan for c in positive], dtype=np.float64)


def _median(x):
    values = x.data if sp.issparse(x) else x
    positive = values[values > 0]
    return float(np.median(positive)) if len(positive) else np.nan


def _quantiles(x):
    """The highest usual value of each feature: of all cells, else of those that have any."""
    n, quantiles = x.shape[0], []
    for column in _columns(x):
        full = np.zeros(n, dtype=np.float32)
        full[: len(column)] = column
        high = np.quantile(full, HIGHEST)
        quantiles.append(high if high > 0 else column.max(initial=0))
    return np.array(quantiles, dtype=np.float64)


def _root(v):
    return np.sqrt(np.minimum(v, np.float32(1)))


FORMULAS = {
    "total_median": Formula(
        True, np.log1p, lambda p, x, t: np.full(x.shape[1], _median(x) / np.median(t))
    ),
    "total_arcsinh": Formula(True, np.arcsinh, lambda p, x, t: medians(x) / t.mean()),
    "share_arcsinh": Formula(True, np.arcsinh, lambda p, x, t: medians(p)),
    "arcsinh_median": Formula(False, np.arcsinh, lambda p, x, t: medians(x)),
    "sqrt": Formula(False, _root, lambda p, x, t: _quantiles(x)),
}
