"""Images that no column names: told where they show, parted by distance where that is asked for."""

import logging

import numpy as np
import pandas as pd

from spclust.errors import UserError

log = logging.getLogger(__name__)

# share of the width and height of all cells that a block of rows must have to be a copy of them
COPY = 0.7
# share of cells at the place of another from which on this is told
TOGETHER = 0.01
# rows, evenly taken, that show blocks
SAMPLE = 20_000
# rows from which on their order tells something, and cells below which an image is said to be small
ROWS, SMALL = 20, 20


def by_distance(places, images, distance, source):
    """Part images where no cell of one part lies within a distance of the other.

    Parameters
    ----------
    places : array, shape (n, 2)
    images : array of str, shape (n,)
    distance : float
        In the unit of ``places``.
    source : str
        File, for messages.

    Returns
    -------
    array of str, shape (n,)
        Names of images; those of parts are ``<image>_1``, ``<image>_2``, ... from left to right.

    Raises
    ------
    UserError
        When cells have no places, or most parts hold hardly any cells.
    """
    if not np.isfinite(places).all():
        raise UserError(
            f"{source}: `split_images` of the dataset needs a place of every cell; remove the key, "
            "or name the columns of places as  x:  and  y:"
        )
    names = np.asarray(images, dtype=object).copy()
    whole = pd.Series(names).groupby(names, sort=False).indices
    for image, rows in whole.items():
        part = _connected(places[rows].astype(np.float64), distance)
        if part.max() > 0:
            names[rows] = [f"{image}_{number + 1}" for number in part]
    sizes = pd.Series(names).value_counts()
    if len(sizes) > len(whole) and sizes.median() < SMALL // 2:
        raise UserError(
            f"{source}: split_images.distance: {distance:g} parts the cells into {len(sizes)} "
            f"images, half of which have at most {sizes.median():.0f} cells; write a larger one, "
            "wider than gaps in the tissue and narrower than those between cores"
        )
    small = sizes[sizes < SMALL]
    log.warning(
        "%s: split_images: gaps wider than %g part %d image%s into %d%s",
        source,
        distance,
        len(whole),
        "" if len(whole) == 1 else "s",
        len(sizes),
        f"; {len(small)} have fewer than {SMALL} cells: {', '.join(small.index[:10])}"
        if len(small)
        else "",
    )
    return names


def _connected(places, distance):
    """Number of the part of each cell, from left to right: single linkage, cut at a distance."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    points, of_cell = np.unique(places, axis=0, return_inverse=True)
    first, second = _edges(points, distance)
    near = np.linalg.norm(points[first] - points[second], axis=1) <= distance
    links = coo_matrix((near[near], (first[near], second[near])), shape=(len(points),) * 2)
    number, part = connected_components(links, directed=False)
    part = part[of_cell.ravel()]
    centres = [
        np.bincount(part, places[:, axis], number) / np.bincount(part, None, number)
        for axis in (1, 0)
    ]
    order = np.empty(number, dtype=int)
    order[np.lexsort(centres)] = np.arange(number)
    return order[part]


def _edges(points, distance):
    """Pairs of points, among them every link of the shortest tree that connects all."""
    from scipy.spatial import Delaunay, QhullError, cKDTree

    if len(points) < 10:
        pairs = cKDTree(points).query_pairs(distance, output_type="ndarray")
        return pairs[:, 0], pairs[:, 1]
    try:
        triangles = Delaunay(points - points.min(axis=0))
    except QhullError:  # on one line, along which they are ordered
        return np.arange(len(points) - 1), np.arange(1, len(points))
    # points so near another that they are no corner
    beside = triangles.coplanar[:, [0, 2]]
    corners = triangles.simplices
    first = np.concatenate([*corners.T, beside[:, 0]])
    return first, np.concatenate([*corners[:, [1, 2, 0]].T, beside[:, 1]])


def tell(obs, places, ids, source):
    """Say what speaks for several images where no column names them.

    Parameters
    ----------
    obs : DataFrame, n rows
        In the order of the file, without reference labels.
    places : array, shape (n, 2)
    ids : sequence of str, n
    source : str
        File, for messages.
    """
    known = np.isfinite(places).all(axis=1)
    if len(obs) < ROWS or not known.all():
        return
    signs = []
    rows = np.unique(np.linspace(0, len(obs) - 1, SAMPLE).astype(int))
    some, some_places = obs.iloc[rows], places[rows]
    copies = [c for c in obs.columns if _is_copies(some[c], some_places)]
    signs += [f"each block of rows of one {c!r} spreads over the place of all" for c in copies[:3]]
    prefix = pd.Series(np.asarray(ids)[rows].astype(str)).str.replace(r"\d+$", "", regex=True)
    if _is_copies(prefix, some_places):
        begin = ", ".join(map(repr, prefix.unique()[:3]))
        signs.append(f"ids of cells that begin alike ({begin}) spread over the place of all")
    for column in obs.columns:
        row = _starts_anew(obs[column])
        if row is not None:
            signs.append(f"the numbers of {column!r} start anew, first in row {row + 1}")
            break
    twice = pd.DataFrame(places).duplicated(keep=False).mean()
    if twice > TOGETHER:
        signs.append(f"{twice:.0%} of the cells lie exactly where another does")
    if signs:
        line = f"image: {copies[0]}" if copies else "image: <column>"
        log.warning(
            "%s: no column names images, so all cells count as one, but %s. If they are of several "
            "images, paste this into the dataset's entry%s; if of one,  image: null\n    %s",
            source,
            ", and ".join(signs),
            "" if copies else ", with the column that tells them apart, added where there is none",
            line,
        )


def _is_copies(column, places):
    """Whether a column parts the rows into blocks, each with the extent of all cells."""
    if column.dtype.kind in "fb" or column.isna().any():
        return False
    codes = pd.factorize(column)[0]
    groups = codes.max() + 1
    # codes count up in the order of the rows, so that blocks never go back
    if not 2 <= groups <= len(codes) // 10 or (np.diff(codes) < 0).any():
        return False
    extents = pd.DataFrame(places).groupby(codes).agg(["min", "max"]).to_numpy()
    sizes = (extents[:, 1::2] - extents[:, ::2]) / np.maximum(np.ptp(places, axis=0), 1e-12)
    return bool((sizes > COPY).all())


def _starts_anew(column):
    """First row in which a column that counts rows begins again, or None."""
    if column.dtype.kind not in "iuO" or not str(column.iloc[0]).isdigit():
        return None
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    steps = np.diff(values)
    back = np.flatnonzero(steps < 0) + 1
    if not 0 < len(back) <= len(values) // 10 or (steps == 1).mean() < 0.8:
        return None
    return int(back[0]) if (values[back] <= values[0] + ROWS).all() else None
