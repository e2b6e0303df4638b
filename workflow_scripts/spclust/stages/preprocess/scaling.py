"""Features brought to unit variance, over all cells or group by group."""

import numpy as np
import scipy.sparse as sp

# smallest range of a normalised feature against its largest value; below is rounding, which
# must not pass for a difference that scaling would blow up to unit variance
ROUNDING = 1e-6


def same(x, groups, tolerance=0.0):
    """Which features are the same in all cells of a group.

    Parameters
    ----------
    x : array or sparse array, shape (n, d)
    groups : array of int, shape (n,)
    tolerance : float
        Range that passes for none, as a share of the largest absolute value.

    Returns
    -------
    array of bool, shape (n_groups, d)
    """
    constant = []
    for group in range(groups.max() + 1):
        block = x[groups == group]
        low, high = block.min(axis=0), block.max(axis=0)
        if sp.issparse(block):
            low, high = low.toarray().ravel(), high.toarray().ravel()
        constant.append(high - low <= tolerance * np.maximum(np.abs(low), np.abs(high)))
    return np.array(constant)


def scaled(x, groups, zero_center, clip):
    """Divide by the deviation within each group, about the mean where ``zero_center``.

    Parameters
    ----------
    x : array of float32, shape (n, d)
        Overwritten; zero where a feature does not vary in a group.
    groups : array of int, shape (n,)
    zero_center : bool
    clip : float or None
        Truncate at this, at both sides when centred, else at the top.

    Returns
    -------
    x : array of float32, shape (n, d)
    std : array of float, shape (n_groups, d)
    """
    import anndata
    import scanpy as sc

    std = np.ones((groups.max() + 1, x.shape[1]))
    for group in range(len(std)):
        rows = groups == group
        if rows.sum() > 1:  # nothing varies in one cell
            block = anndata.AnnData(x[rows])
            sc.pp.scale(block, zero_center=zero_center, max_value=clip)
            x[rows], std[group] = block.X, block.var["std"]
    return x, std


def scaled_by(x, mean, std, zero_center, clip):
    """Scale and clip by means and deviations (d,) of other cells; see :func:`scaled`."""
    if zero_center:
        x -= mean
    x /= std
    return x if clip is None else np.clip(x, -clip if zero_center else None, clip)
