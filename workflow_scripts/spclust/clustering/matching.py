"""Groups of one clustering matched one to one to those of another (Hungarian algorithm)."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def match_labels(labels, reference, n_clusters):
    """Rename labels so that they overlap ``reference`` most.

    Parameters
    ----------
    labels, reference : array of int, shape (n,)
        Values in ``0 .. n_clusters - 1``; either may leave some out.

    Returns
    -------
    array of int, shape (n_clusters,)
        New id of each old label, a permutation.
    """
    overlap = np.zeros((n_clusters, n_clusters), dtype=np.int64)
    np.add.at(overlap, (labels, reference), 1)
    return linear_sum_assignment(overlap, maximize=True)[1]
