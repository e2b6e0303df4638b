"""Whether a confidence of .8 is right eight times in ten (Guo et al. 2017)."""

import numpy as np
import pandas as pd

BINS = 10


def reliability(right, confidence):
    """Cells in tenths of confidence.

    Parameters
    ----------
    right : array of bool, shape (n,)
    confidence : array of float, shape (n,)
        In [0, 1].

    Returns
    -------
    DataFrame
        ``confidence`` and ``right``, the means over the ``cells`` of each tenth that has any.
    """
    bins = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    table = pd.DataFrame({"confidence": confidence, "right": np.asarray(right, dtype=float)})
    means = table.groupby(bins).mean()
    return means.assign(cells=np.bincount(bins)[means.index]).reset_index(drop=True)


def calibration_error(table):
    """Expected calibration error: mean distance of confidence from what is right, by cells.

    Parameters
    ----------
    table : DataFrame
        Of :func:`reliability`.
    """
    apart = (table["confidence"] - table["right"]).abs()
    return float((apart * table["cells"]).sum() / table["cells"].sum())
