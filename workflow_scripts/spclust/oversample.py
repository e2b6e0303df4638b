"""Spa-CSMOTE: synthetic minority cells that stay in their microenvironment (Sec. 3.1)."""

import logging
import numbers

import numpy as np
import scipy.sparse as sp
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from spclust.contracts import IMAGE, LABEL, PARENTS, PSEUDOLABEL, SPATIAL, SYNTHETIC
from spclust.errors import UserError
from spclust.parts.graphs import neighbours_within

log = logging.getLogger(__name__)


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
    cell lies between a random cell i of the class and a partner j: its proteins at
    ``x_i + lambda1 (x_j - x_i)`` with lambda1 uniform (Eq. 2), its place at
    ``s_i + lambda2 (s_j - s_i)`` with lambda2 mostly near 0 or 1 (Eq. 4).

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
        Partners are neighbours of the cell itself, or of any cell of its class in the same
        image, the literal Eq. 1.
    spatial_neighbors : {'same_label', 'any'}
        Whether spatial neighbours of another class may be partners.
    random_state : int, RandomState or None

    Attributes
    ----------
    coordinates_ : array, shape (n + synthetic, 2)
    parents_ : array of int, shape (synthetic, 2)
        Row numbers of i and j of every synthetic cell.

    Examples
    --------
    >>> balanced, labels = SpaCSMOTE(random_state=0).fit_resample(cells)  # doctest: +SKIP
    >>> sampler = SpaCSMOTE(random_state=0)  # doctest: +SKIP
    >>> x, y = sampler.fit_resample(x, y, coordinates=xy, images=image)  # doctest: +SKIP
    """

    _parameter_constraints = {
        "variant": [StrOptions({"constrained", "same_lambda", "expression_only", "none"})],
        "n_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "imbalance_ratio": [Interval(numbers.Real, 1, None, closed="left")],
        "boundary": [Interval(numbers.Real, 0, 0.5, closed="neither")],
        "boundary_probability": [Interval(numbers.Real, 0, 1, closed="both")],
        "pool": [StrOptions({"cell", "class"})],
        "spatial_neighbors": [StrOptions({"same_label", "any"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self, variant="constrained", n_neighbors=15, imbalance_ratio=1.0, boundary=0.1,
        boundary_probability=0.9, pool="cell", spatial_neighbors="same_label", random_state=None,
    ):  # fmt: skip
        super().__init__(sampling_strategy="auto")
        self.variant = variant
        self.n_neighbors = n_neighbors
        self.imbalance_ratio = imbalance_ratio
        self.boundary = boundary
        self.boundary_probability = boundary_probability
        self.pool = pool
        self.spatial_neighbors = spatial_neighbors
        self.random_state = random_state

    def fit_resample(self, X, y=None, *, coordinates=None, images=None):
        """Balance an AnnData object or arrays.

        Parameters
        ----------
        X : AnnData or array, shape (n, d)
            AnnData brings ``obs['pseudolabel']``, ``obsm['spatial']`` and ``obs['image']``.
        y : array, shape (n,), optional
        coordinates : array, shape (n, 2), optional
        images : array, shape (n,), optional
            No pair of parents is from two images.

        Returns
        -------
        (AnnData or array, array)
            Original rows first, then synthetic ones, and all labels. AnnData has in ``obs`` the
            image, the label of the original cells, ``pseudolabel``, ``synthetic`` and the ids of
            both parents, empty for the original cells.

        Raises
        ------
        sklearn.utils._param_validation.InvalidParameterError
            For parameters out of range.
        UserError
            When something the sampler needs is missing or arrays differ in length.
        """
        self._validate_params()
        if hasattr(X, "obs"):
            return self._resample_cells(X)
        if y is None or coordinates is None:
            raise UserError("SpaCSMOTE needs labels y and coordinates beside an array of proteins")
        X, y, coordinates = _floats(X), np.asarray(y), _floats(coordinates)
        images = np.zeros(len(X)) if images is None else np.asarray(images)
        if not len(X) == len(y) == len(coordinates) == len(images):
            raise UserError("SpaCSMOTE: proteins, labels, coordinates and images differ in length")
        new_x, new_s, self.parents_ = self._synthesise(X, y, coordinates, images)
        self.coordinates_ = np.concatenate([coordinates, new_s])
        return np.concatenate([X, new_x]), np.concatenate([y, y[self.parents_[:, 0]]])

    def _fit_resample(self, X, y, **params):
        raise NotImplementedError("use fit_resample, which takes coordinates")

    def _resample_cells(self, cells):
        import anndata

        missing = [f"obs[{c!r}]" for c in (PSEUDOLABEL, IMAGE) if c not in cells.obs]
        missing += [f"obsm[{SPATIAL!r}]"] * (SPATIAL not in cells.obsm)
        if missing:
            raise UserError(f"SpaCSMOTE needs {', '.join(missing)} in the AnnData object")
        x, y = self.fit_resample(
            cells.X, cells.obs[PSEUDOLABEL].to_numpy(),
            coordinates=cells.obsm[SPATIAL], images=cells.obs[IMAGE].to_numpy(),
        )  # fmt: skip
        first, second = self.parents_.T
        obs = cells.obs.iloc[np.r_[np.arange(cells.n_obs), first]].copy()
        obs.index = [*cells.obs_names, *(f"synthetic-{i}" for i in range(len(first)))]
        obs[SYNTHETIC] = np.arange(len(y)) >= cells.n_obs
        for column, rows in zip(PARENTS, (first, second)):
            obs[column] = [""] * cells.n_obs + list(cells.obs_names[rows])
        kept = [IMAGE, PSEUDOLABEL, SYNTHETIC, *PARENTS]
        if LABEL in obs:
            # nobody has seen a synthetic cell, so nobody has labelled it
            obs[LABEL] = obs[LABEL].where(~obs[SYNTHETIC])
            kept.append(LABEL)
        balanced = anndata.AnnData(x, obs=obs[kept], var=cells.var)
        balanced.obsm[SPATIAL] = self.coordinates_
        return balanced, y

    def _synthesise(self, x, y, coordinates, images):
        rng = check_random_state(self.random_state)
        classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        target = int(np.ceil(counts.max() / self.imbalance_ratio))
        wanted = np.maximum(target - counts, 0) * (self.variant != "none")
        log.info(
            "class sizes %s, target %d, synthetic %s", counts.tolist(), target, wanted.tolist()
        )
        image_codes = np.unique(images, return_inverse=True)[1]
        homes = image_codes * len(classes) + codes  # a class within an image
        partners = self._partners(x, codes, homes, coordinates, images) if wanted.any() else None
        base, partner = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for code in np.flatnonzero(wanted):
            i = rng.choice(np.flatnonzero(codes == code), wanted[code])
            base.append(i)
            partner.append(self._draw(rng, i, codes, images, *partners))
            copies = np.sum((i == partner[-1]) & (np.bincount(homes)[homes[i]] == 1))
            if copies:
                log.warning(
                    "class %s: %d synthetic cells copy their base cell, the only one of its class "
                    "in its image", classes[code], copies,
                )  # fmt: skip
        base, partner = np.concatenate(base), np.concatenate(partner)
        ratio1 = rng.uniform(size=len(base))
        ratio2 = ratio1
        if self.variant != "same_lambda":
            ratio2 = lambda2(rng, len(base), self.boundary, self.boundary_probability)
        new_x = x[base] + ratio1[:, None] * (x[partner] - x[base])
        new_s = coordinates[base] + ratio2[:, None] * (coordinates[partner] - coordinates[base])
        parents = np.column_stack([base, partner])
        return new_x.astype(x.dtype), new_s.astype(coordinates.dtype), parents

    def _partners(self, x, codes, homes, coordinates, images):
        """Neighbour lists of Eq. 1 as one CSR structure (indptr, indices), no entry twice."""
        rows, columns = [], []
        blocks = list(neighbours_within(x, homes, self.n_neighbors))
        if self.variant != "expression_only":
            blocks += neighbours_within(coordinates, images, self.n_neighbors)
        for cells, neighbours in blocks:
            rows.append(np.repeat(cells, neighbours.shape[1]))
            columns.append(neighbours.ravel())
        rows, columns = (np.concatenate(a) if a else np.empty(0, int) for a in (rows, columns))
        if self.spatial_neighbors == "same_label":
            same = codes[rows] == codes[columns]
            rows, columns = rows[same], columns[same]
        pairs = np.unique(rows * len(x) + columns)  # the union, sorted by row
        rows, columns = np.divmod(pairs, len(x))
        return np.searchsorted(rows, np.arange(len(x) + 1)), columns

    def _draw(self, rng, base, codes, images, indptr, indices):
        """A partner for each base cell of one class; a cell without any is its own."""
        if self.pool == "cell":
            count = indptr[base + 1] - indptr[base]
            pick = indptr[base] + np.floor(rng.uniform(size=len(base)) * count).astype(np.int64)
            partner = base.copy()
            partner[count > 0] = indices[pick[count > 0]]
            return partner
        members, partner = np.flatnonzero(codes == codes[base[0]]), base.copy()
        for image in np.unique(images[base]):
            lists = [indices[indptr[m] : indptr[m + 1]] for m in members[images[members] == image]]
            here, pool = np.flatnonzero(images[base] == image), np.unique(np.concatenate(lists))
            if len(pool):
                partner[here] = rng.choice(pool, len(here))
        return partner


def _floats(array):
    """A dense array of floats; values that are floats already keep their width."""
    array = array.toarray() if sp.issparse(array) else np.asarray(array)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
