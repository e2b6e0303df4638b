"""Which types of cells touch each other more or less than by chance, image by image."""

import logging

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.analyses.composition import levels
from spclust.analyses.kinds import kinds_of
from spclust.data.cell_files import MICROMETRES
from spclust.errors import UserError
from spclust.neighbours import contacts
from spclust.neighbours.spatial import delaunay_graph, edge_lengths, radius_graph

log = logging.getLogger(__name__)

PLACE = ["of", "name"]
CONTACTS = [*PLACE, "type", "other", "contacts", "expected", "sd", "z", "effect"]
TOUCHING = [*PLACE, "type", "touched", "cells", "touching", "expected", "sd", "z", "share"]
TOUCHING += ["effect", "each"]
IMAGE = "image"


def analyse(task):
    """Compare contacts between the task's cells with chance, see :func:`compare`."""
    return compare(task.cells, kinds_of(task), samples=task.samples, **task.settings)


def compare(cells, kinds, longest=3, radius=None, samples=None):
    """Contacts between kinds of cells against random labelling within each image.

    Parameters
    ----------
    cells : Cells, n of them
    kinds : Kinds
    longest : float
        Median edges of an image that a contact is long at most.
    radius : float, optional
        µm up to which cells touch, in place of the triangulation.
    samples : DataFrame, optional
        See :func:`spclust.analyses.composition.levels`.

    Returns
    -------
    dict of str to DataFrame
        As the card says. The order of the cells does not matter.

    Raises
    ------
    UserError
        For a radius where the unit of coordinates is not known.
    """
    if radius is not None and cells.unit != MICROMETRES and cells.placed.any():
        raise UserError(
            "analyses.neighbours: radius is in µm, and coordinates are in "
            f"{cells.unit or 'a unit that is not known'}; write  pixel_size:  below the dataset "
            "(µm per pixel, 1 where they are in µm), or take  radius:  out"
        )
    if not cells.placed.all():
        log.warning(
            "%d of %d cells have no place and touch none", (~cells.placed).sum(), len(cells)
        )
    order = np.lexsort((cells.ids.astype(str), cells.image.astype(str)))
    rows = order[cells.placed[order]]
    places, codes = cells.coordinates[rows].astype(np.float64), kinds.codes[rows]
    images, first = np.unique(cells.image[rows].astype(str), return_index=True)
    size, k = np.diff([*first, len(rows)]), len(kinds)
    graph = _graph(places, np.repeat(np.arange(len(images)), size), longest, radius)
    joins, touching, own = [], [], []
    for start, n in zip(first, size):
        here = slice(start, start + n)
        of_image = graph[here, here], codes[here], k
        joins.append(contacts.joins(*of_image))
        touching.append(contacts.touching(*of_image))
        own.append(np.bincount(codes[here], minlength=k))
    still = [name for name, one in zip(images, joins) if not one.sd.any()]
    if still:
        log.warning(
            "%d of %d images have too few cells, contacts or types for chance to vary, e.g. %s",
            len(still),
            len(images),
            still[0],
        )
    log.info("%d cells, %.1f contacts each", len(rows), graph.nnz / max(len(rows), 1))
    joins, touching = _stacked(joins, k), _stacked(touching, k)
    own = np.array(own, dtype=np.float64).reshape(-1, k)
    tables = [], []
    for level, name_of in levels(cells, samples).items():
        places = level, *_gathered(pd.Index(images, dtype=object).map(name_of))
        tables[0].append(_contacts(*places, joins, size, kinds.names))
        tables[1].append(_touching(*places, touching, joins.observed, own, kinds.names))
    both = (pd.concat(of_levels, ignore_index=True) for of_levels in tables)
    return dict(zip(("contacts.csv", "touching.csv"), both))


def _graph(places, images, longest, radius):
    """Cells that touch, csr_matrix (n, n)."""
    if not len(places):
        return sp.csr_matrix((0, 0))
    if radius is not None:
        return radius_graph(places, images, radius)
    lengths = edge_lengths(delaunay_graph(places, images), places)
    image = np.repeat(images, np.diff(lengths.indptr))
    most = pd.Series(lengths.data).groupby(image).transform("median").to_numpy() * longest
    kept = (lengths.data <= most).astype(np.float64)
    graph = sp.csr_matrix((kept, lengths.indices, lengths.indptr), lengths.shape)
    graph.eliminate_zeros()
    return graph


def _stacked(counts, k):
    """Counts of all images, arrays (images, k, k)."""
    parts = ([getattr(one, part) for one in counts] for part in ("observed", "expected", "sd"))
    return contacts.Counts(*(np.array(part, dtype=np.float64).reshape(-1, k, k) for part in parts))


def _gathered(names):
    """Places of a level, and a function that sums arrays of images over each place's."""
    codes, found = pd.factorize(names, sort=True)
    inside = np.flatnonzero(codes >= 0)
    sums = sp.csr_matrix(
        (np.ones(len(inside)), (codes[inside], inside)), shape=(len(found), len(codes))
    )

    def summed(x):
        flat = sums @ x.reshape(len(x), np.prod(x.shape[1:], dtype=int))
        return flat.reshape(len(found), *x.shape[1:])

    return found, summed


def _over(x, y):
    """Quotient, missing where the divisor is none."""
    return np.divide(x, y, out=np.full(np.shape(y), np.nan), where=y > 0)


def _contacts(level, names, summed, joins, size, kinds):
    """Unordered pairs in all places of a level."""
    varies = joins.sd > 0
    effect = _over(joins.observed - joins.expected, joins.observed + joins.expected)
    weight = size[:, None, None] * varies
    observed, expected = summed(joins.observed), summed(joins.expected)
    sd = np.sqrt(summed(joins.sd**2))
    columns = {
        "contacts": observed.astype(np.int64),
        "expected": expected.round(4),
        "sd": sd.round(4),
        "z": _z(level, observed, expected, sd),
        "effect": _over(summed(weight * np.where(varies, effect, 0)), summed(weight)).round(4),
    }
    pairs = np.triu_indices(len(kinds))
    return _long(level, names, pairs, kinds, "other", columns)[CONTACTS]


def _touching(level, names, summed, touching, joined, own, kinds):
    """Ordered pairs in all places of a level."""
    k = len(kinds)
    cells = np.repeat(summed(own)[:, :, None], k, axis=2)
    observed, expected = summed(touching.observed), summed(touching.expected)
    sd = np.sqrt(summed(touching.sd**2))
    # a contact within a kind is one of both its cells
    met = summed(joined) * (1 + np.eye(k))
    columns = {
        "cells": cells.astype(np.int64),
        "touching": observed.astype(np.int64),
        "expected": expected.round(4),
        "sd": sd.round(4),
        "z": _z(level, observed, expected, sd),
        "share": _over(observed, cells).round(4),
        "effect": np.where(sd > 0, _over(observed - expected, cells), np.nan).round(4),
        "each": _over(met, observed).round(4),
    }
    pairs = tuple(np.indices((k, k)).reshape(2, -1))
    return _long(level, names, pairs, kinds, "touched", columns)[TOUCHING]


def _z(level, observed, expected, sd):
    z = _over(observed - expected, sd).round(3)
    return z if level == IMAGE else np.full(z.shape, np.nan)


def _long(level, names, pairs, kinds, other, columns):
    """A row a place and a pair of kinds."""
    first, second = (np.array(kinds, dtype=object)[of] for of in pairs)
    table = {
        "of": level,
        "name": np.repeat(np.asarray(names, dtype=object), len(first)),
        "type": np.tile(first, len(names)),
        other: np.tile(second, len(names)),
    }
    return pd.DataFrame(table | {key: x[:, *pairs].ravel() for key, x in columns.items()})
