"""Spa-CSMOTE: synthetic minority cells that stay in their microenvironment (Sec. 3.1)."""

import logging

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import check_random_state

from spclust.contracts import IMAGE, PARENTS, PSEUDOLABEL, SPATIAL, SYNTHETIC
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
        Partners are neighbours of the cell itself, or of any cell of its class (in the same
        image), the literal Eq. 1.
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

    _parameter_constraints = {}  # the configuration schema checks them

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
            Original rows first, then synthetic ones, and all labels.
        """
        if hasattr(X, "obs"):
            return self._resample_cells(X)
        if y is None or coordinates is None:
            raise UserError("SpaCSMOTE needs labels y and coordinates beside an array of proteins")
        X, y = np.asarray(X), np.asarray(y)
        coordinates = np.asarray(coordinates)
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

        labels = cells.obs[PSEUDOLABEL].to_numpy()
        x, y = self.fit_resample(
            np.asarray(cells.X), labels,
            coordinates=cells.obsm[SPATIAL], images=cells.obs[IMAGE].to_numpy(),
        )  # fmt: skip
        first, second = self.parents_.T
        obs = cells.obs.iloc[np.r_[np.arange(cells.n_obs), first]].copy()
        obs.index = [*cells.obs_names, *(f"synthetic-{i}" for i in range(len(first)))]
        obs[SYNTHETIC] = np.arange(len(y)) >= cells.n_obs
        for column, rows in zip(PARENTS, (first, second)):
            obs[column] = [""] * cells.n_obs + list(cells.obs_names[rows])
        kept = [IMAGE, PSEUDOLABEL, SYNTHETIC, *PARENTS]
        balanced = anndata.AnnData(x, obs=obs[kept], var=cells.var[[]])
        balanced.obsm[SPATIAL] = self.coordinates_.astype(np.float32)
        return balanced, y

    def _synthesise(self, x, y, coordinates, images):
        rng = check_random_state(self.random_state)
        classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        target = int(np.ceil(counts.max() / self.imbalance_ratio))
        wanted = np.maximum(target - counts, 0) * (self.variant != "none")
        log.info("class sizes %s, target %d, synthetic %s", counts.tolist(), target, wanted.tolist())
        partners = self._partners(x, codes, coordinates, images) if wanted.any() else None
        base, partner = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for code in np.flatnonzero(wanted):
            i = rng.choice(np.flatnonzero(codes == code), wanted[code])
            base.append(i)
            partner.append(self._draw(rng, i, codes, images, *partners))
        base, partner = np.concatenate(base), np.concatenate(partner)
        ratio1 = rng.uniform(size=len(base))
        ratio2 = ratio1
        if self.variant != "same_lambda":
            ratio2 = lambda2(rng, len(base), self.boundary, self.boundary_probability)
        new_x = x[base] + ratio1[:, None] * (x[partner] - x[base])
        new_s = coordinates[base] + ratio2[:, None] * (coordinates[partner] - coordinates[base])
        parents = np.column_stack([base, partner])
        return new_x.astype(x.dtype), new_s.astype(coordinates.dtype), parents

    def _partners(self, x, codes, coordinates, images):
        """Neighbour lists of Eq. 1 as one CSR structure (indptr, indices), no entry twice."""
        image_codes = np.unique(images, return_inverse=True)[1]
        rows, columns = [], []
        blocks = list(neighbours_within(x, image_codes * (codes.max() + 1) + codes, self.n_neighbors))
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
        """A partner for each base cell; a cell without any is its own (a duplicate)."""
        source = base
        if self.pool == "class":
            # any member of the class in the image lends its list
            source = base.copy()
            members = np.flatnonzero(codes == codes[base[0]])
            for image in np.unique(images[base]):
                here = images[base] == image
                source[here] = rng.choice(members[images[members] == image], here.sum())
        count = indptr[source + 1] - indptr[source]
        alone = count == 0
        if alone.any():
            log.warning(
                "%d synthetic cells copy their base cell: class %d has a single cell in its image",
                alone.sum(), codes[base[0]],
            )  # fmt: skip
        pick = indptr[source] + np.floor(rng.uniform(size=len(base)) * count).astype(np.int64)
        partner = indices[np.minimum(pick, len(indices) - 1)] if len(indices) else base
        return np.where(alone, base, partner)
