"""How large a tissue is, by the places of its cells."""

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

SQUARE = 4  # side of the squares that tissue is counted by, in distances of nearest neighbours
FEWEST = 10  # cells


def areas(places):
    """Area of the convex hull, and of the squares that hold cells; NaN of fewer than 10 cells.

    A square's side is four times the median distance of nearest neighbours, so that one in tissue
    is hardly ever empty by chance.

    Parameters
    ----------
    places : array, shape (n, 2)

    Returns
    -------
    hull, squares : float
        In the square of the unit of ``places``.
    """
    if len(places) < FEWEST:
        return np.nan, np.nan
    try:
        hull = ConvexHull(places).volume
    except QhullError:  # all on one line
        return np.nan, np.nan
    side = SQUARE * np.median(cKDTree(places).query(places, 2)[0][:, 1])
    if side == 0:
        return hull, np.nan
    squares = np.floor((places - places.min(axis=0)) / side).astype(np.int64)
    return hull, len(np.unique(squares, axis=0)) * side**2
