"""Spa-CSMOTE: synthetic minority cells that stay in their microenvironment (Sec. 3.1)."""

import logging
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import check_random_state

from spclust.data.cells import WITHIN
from spclust.data.requirements import refuse_unplaced
from spclust.errors import UserError
from spclust.neighbours.knn import neighbour_pairs

log = logging.getLogger(__name__)


def _one_of(*words):
    return lambda value: value in words, f"one of {', '.join(words)}"


# parameter of SpaCSMOTE -> (whether a value fits, what does in words)
ALLOWED = {
    "variant": _one_of("constrained", "same_lambda", "expression_only", "none"),
    "n_neighbors": (lambda k: isinstance(k, Integral) and k >= 1, "a whole number >= 1"),
    "imbalance_ratio": (lambda r: isinstance(r, Real) and r >= 1, "a number >= 1"),
    "boundary": (lambda v: isinstance(v, Real) and 0 < v < 0.5, "a number between 0 and 0.5"),
    "boundary_probability": (
        lambda p: isinstance(p, Real) and 0 <= p <= 1,
        "a number from 0 to 1",
    ),
    "pool": _one_of("cell", "class"),
    "spatial_neighbors": _one_of("same_label", "any"),
    "expression_within": _one_of(*WITHIN),
}


def lambda2(rng, size, boundary=0.1, probability=0.9):
    """Draw the spatial interpolation ratio of Eq. 4.

    Half of ``probability`` falls uniformly on [0, v1], half on [1 - v1, 1], the rest between.

    Parameters
    ----------
    rng : numpy.random.Generator or RandomState
    size : int
    boundary : float
        v1.
    probability : float

    Returns
    -------
    array, shape (size,)
    """
    side, place = rng.uniform(size=size), rng.uniform(size=size)
    near_base = side < probability / 2
    near_partner = ~near_base & (side < probability)
    return np.select(
        [near_base, near_partner],
        [place * boundary, 1 - place * boundary],
        boundary + place * (1 - 2 * boundary),
    )


class SpaCSMOTE(BaseOverSampler):
    """Spatially constrained SMOTE, an imbalanced-learn sampler.

    Every class is filled up to ``ceil(largest class / imbalance_ratio)`` cells. A synthetic
    cell lies between a random cell i of the class and a partner j: its features at
    ``x_i + lambda1 (x_j - x_i)`` with lambda1 uniform (Eq. 2), its place at
    ``s_i + lambda2 (s_j - s_i)`` with lambda2 mostly near 0 or 1 (Eq. 4).

    Places are comparable within an image only. A partner by expression may be of another image;
    it then lends its features, and the place lies between cell i and one of its spatial
    neighbours, at that of cell i where it has none.

    Parameters
    ----------
    variant : {'constrained', 'same_lambda', 'expression_only', 'none'}
        Eq. 4; Eq. 3 (``lambda2 = lambda1``); Eq. 4 without spatial partners; nothing.
    n_neighbors : int
        k of both neighbour sets of Eq. 1, capped at the size of the class.
    imbalance_ratio : float
    boundary, boundary_probability : float
        Law of lambda2.
    pool : {'cell', 'class'}
        Partners are neighbours of the cell itself, or of any cell of its class, the literal
        Eq. 1: by expression in the same group, by place in the same image.
    spatial_neighbors : {'same_label', 'any'}
        Whether spatial neighbours of another class may be partners.
    expression_within : {'cohort', 'slice', 'image'}
        The groups in which partners by expression are sought.
    random_state : int, RandomState or None

    Attributes
    ----------
    coordinates_ : array, shape (n + synthetic, 2)
    parents_ : array of int, shape (synthetic, 2)
        Row numbers of i and j of every synthetic cell.
    lambda1_ : array, shape (synthetic,)

    Examples
    --------
    >>> balanced = SpaCSMOTE(random_state=0).balance(cells, pseudolabels)  # doctest: +SKIP
    >>> sampler = SpaCSMOTE(random_state=0)  # doctest: +SKIP
    >>> x, y = sampler.fit_resample(x, y, coordinates=xy, images=image)  # doctest: +SKIP
    """

    def __init__(
        self,
        variant="constrained",
        n_neighbors=15,
        imbalance_ratio=1.0,
        boundary=0.1,
        boundary_probability=0.9,
        pool="cell",
        spatial_neighbors="same_label",
        expression_within="cohort",
        random_state=None,
    ):
        super().__init__(sampling_strategy="auto")
        self.variant = variant
        self.n_neighbors = n_neighbors
        self.imbalance_ratio = imbalance_ratio
        self.boundary = boundary
        self.boundary_probability = boundary_probability
        self.pool = pool
        self.spatial_neighbors = spatial_neighbors
        self.expression_within = expression_within
        self.random_state = random_state

    def balance(self, cells, pseudolabels):
        """Add synthetic cells to those of a dataset.

        Partners are sought in all modalities side by side; all features of a synthetic cell
        share one lambda1.

        Parameters
        ----------
        cells : Cells
        pseudolabels : array of int, shape (n,)

        Returns
        -------
        Cells
            The given ones first, then ``synthetic-0`` and so on with the image and the slice of
            their first parent; with ``pseudolabels`` and ``parents``.

        Raises
        ------
        UserError
            For parameters out of range, and for cells without places but with ``none``.
        """
        if self.variant != "none":
            refuse_unplaced(cells, f"oversample.<name>.variant: {self.variant}")
        labels = self.fit_resample(
            cells.matrix,
            pseudolabels,
            coordinates=cells.coordinates,
            images=cells.image,
            groups=cells.groups(self.expression_within),
        )[1]
        names = [f"synthetic-{i}" for i in range(len(self.parents_))]
        return replace(
            cells.take(np.r_[np.arange(len(cells)), self.parents_[:, 0]]),
            ids=np.r_[cells.ids, np.array(names, dtype=object)],
            features={m: self._with_synthetic(x) for m, x in cells.features.items()},
            coordinates=self.coordinates_,
            pseudolabels=labels,
            parents=self.parents_,
            # of what does not cluster, synthetic cells have nothing
            aside={},
            aside_names={},
        )

    def fit_resample(self, X, y, *, coordinates, images=None, groups=None):
        """Balance arrays.

        Parameters
        ----------
        X : array, shape (n, d)
        y : array, shape (n,)
        coordinates : array, shape (n, 2)
        images : array, shape (n,), optional
            By default all cells are of one.
        groups : array, shape (n,), optional
            Partners by expression share one; an image lies within one. By default the images
            where ``expression_within`` is ``image``, else all cells.

        Returns
        -------
        (array, array)
            Original rows first, then synthetic ones, and all labels.

        Raises
        ------
        UserError
            For parameters out of range, and when arrays differ in length.
        """
        for parameter, (fits, allowed) in ALLOWED.items():
            value = getattr(self, parameter)
            if not fits(value):
                raise UserError(f"SpaCSMOTE: {parameter} is {value!r}, allowed is {allowed}")
        X, y, coordinates = _floats(X), np.asarray(y), _floats(coordinates)
        images = np.zeros(len(X)) if images is None else np.asarray(images)
        if groups is None:
            groups = images if self.expression_within == "image" else np.zeros(len(X))
        if not len(X) == len(y) == len(coordinates) == len(images) == len(groups):
            raise UserError(
                "SpaCSMOTE: features, labels, coordinates, images and groups differ in length"
            )
        return self._fit_resample(X, y, coordinates, images, groups)

    def _fit_resample(self, x, y, coordinates, images, groups):
        rng = check_random_state(self.random_state)
        classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        images, groups = (np.unique(a, return_inverse=True)[1] for a in (images, groups))
        target = int(np.ceil(counts.max() / self.imbalance_ratio))
        lacking = np.maximum(target - counts, 0) * (self.variant != "none")
        log.info(
            "class sizes %s, target %d, synthetic %s", counts.tolist(), target, lacking.tolist()
        )
        nobody = sp.csr_matrix((len(x), len(x)), dtype=bool)
        alike = near = nobody
        if lacking.any():
            # a class within a group
            alike = self._partners(x, groups * len(classes) + codes, codes)
            near = self._partners(coordinates, images, codes)
        by_place = nobody if self.variant == "expression_only" else near
        partners = alike + by_place
        base, partner = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for code in np.flatnonzero(lacking):
            i = rng.choice(np.flatnonzero(codes == code), lacking[code])
            if self.pool == "cell":
                j = _draw(rng, i, partners)
            else:
                j = _draw_of_class(rng, i, codes == code, alike, by_place, groups, images)
            base.append(i)
            partner.append(j)
            if copies := np.sum(i == j):
                log.warning(
                    "class %s: %d synthetic cells copy their base cell, which has no other of its "
                    "class to partner with",
                    classes[code],
                    copies,
                )
        base, partner = np.concatenate(base), np.concatenate(partner)
        self.parents_, self.lambda1_ = np.column_stack([base, partner]), rng.uniform(size=len(base))
        ratio2 = self.lambda1_
        if self.variant != "same_lambda":
            ratio2 = lambda2(rng, len(base), self.boundary, self.boundary_probability)
        abroad = images[base] != images[partner]
        beside = partner.copy()
        beside[abroad] = _draw(rng, base[abroad], near)
        places = _between(coordinates, base, beside, ratio2)
        self.coordinates_ = np.concatenate([coordinates, places])
        return self._with_synthetic(x), np.concatenate([y, y[base]])

    def _partners(self, points, groups, codes):
        """Neighbours within groups that may be partners, a matrix of true entries (n, n)."""
        rows, columns = neighbour_pairs(points, groups, self.n_neighbors)
        allowed = (codes[rows] == codes[columns]) | (self.spatial_neighbors == "any")
        entries = (allowed[allowed], (rows[allowed], columns[allowed]))
        return sp.csr_matrix(entries, shape=(len(points), len(points)))

    def _with_synthetic(self, x):
        return np.concatenate([x, _between(x, *self.parents_.T, self.lambda1_)])


def _between(values, start, end, ratio):
    """Points on the segments between rows, in the precision of the values."""
    points = values[start] + ratio[:, None] * (values[end] - values[start])
    return points.astype(values.dtype)


def _draw(rng, base, partners):
    """One of the partners of each base cell; a cell without any is its own."""
    count = np.diff(partners.indptr)[base]
    pick = partners.indptr[base] + np.floor(rng.uniform(size=len(base)) * count).astype(np.int64)
    drawn = base.copy()
    drawn[count > 0] = partners.indices[pick[count > 0]]
    return drawn


def _draw_of_class(rng, base, members, alike, near, groups, images):
    """The same of the partners of any member of the class, the base cell itself left out."""
    drawn = base.copy()
    for group in np.unique(groups[base]):
        by_expression = alike[members & (groups == group)].indices
        for image in np.unique(images[base[groups[base] == group]]):
            by_place = near[members & (images == image)].indices
            pool, here = np.union1d(by_expression, by_place), np.flatnonzero(images[base] == image)
            own = np.isin(base[here], pool)
            # a pick at or past the cell itself means the one after it
            pick = np.floor(rng.uniform(size=len(here)) * (len(pool) - own)).astype(np.int64)
            pick += own & (pick >= np.searchsorted(pool, base[here]))
            free = len(pool) > own
            drawn[here[free]] = pool[pick[free]]
    return drawn


def _floats(array):
    """A dense array of floats; values that are floats already keep their width."""
    array = array.toarray() if sp.issparse(array) else np.asarray(array)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
