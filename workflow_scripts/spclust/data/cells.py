"""Cells as stages and methods see them: features by modality, places, images, slices."""

from dataclasses import dataclass, field, replace

import numpy as np

# what `expression_within` and `scale_within` may say, from the narrowest to the widest
WITHIN = ("image", "slice", "cohort")


@dataclass(frozen=True)
class Cells:
    """Cells of one dataset; reference labels are not among what is known of them.

    Attributes
    ----------
    ids : array of str, shape (n,)
        Unique; the synthetic cells come last.
    features : dict of str to array of float32, shape (n, d)
        By modality (``protein``, ``rna`` ...): those that cluster, which is all that stages and
        methods see.
    names : dict of str to array of str, shape (d,)
        Names of the features of each modality.
    coordinates : array of float32, shape (n, 2)
        Places in the tissue, in ``unit``; comparable within an image only. NaN for cells that have
        none.
    image : array of str, shape (n,)
        Field of view: the unit of space.
    slice : array of str, shape (n,)
        What the user handed in as one; of several only in a cohort.
    pseudolabels : array of int, shape (n,), or None
        First labels, once cells are oversampled by them.
    parents : array of int, shape (synthetic, 2)
        Rows of the two cells that each synthetic cell lies between.
    preprocessing : dict of str to dict
        By modality: with which settings and constants the features were prepared, so that
        other cells can be put through the same; empty for features as measured.
    aside, aside_names : dict of str to array
        As ``features`` and ``names``, of the features that the panel left out of clustering;
        markers and figures show them, see :meth:`whole`.
    unit : str or None
        Of the coordinates: ``µm``, ``px``, None where it is not known.
    """

    ids: np.ndarray
    features: dict[str, np.ndarray]
    names: dict[str, np.ndarray]
    coordinates: np.ndarray
    image: np.ndarray
    slice: np.ndarray
    pseudolabels: np.ndarray | None = None
    parents: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    preprocessing: dict = field(default_factory=dict)
    aside: dict[str, np.ndarray] = field(default_factory=dict)
    aside_names: dict[str, np.ndarray] = field(default_factory=dict)
    unit: str | None = None

    def __len__(self):
        return len(self.ids)

    @property
    def n_original(self):
        """Cells that were measured; the others are synthetic."""
        return len(self) - len(self.parents)

    @property
    def placed(self):
        """Whether each cell has a place in the tissue, array of bool (n,)."""
        return np.isfinite(self.coordinates).all(axis=1)

    @property
    def matrix(self):
        """All modalities side by side, float32, shape (n, sum of d).

        Of several, each is divided by the square root of its total variance, so that none
        counts more for having more features: that of the cells it was prepared on, where the
        constants of the preparation hold it as ``spread``.
        """
        if len(self.features) == 1:
            return next(iter(self.features.values()))
        blocks = []
        for modality, x in self.features.items():
            constants = self.preprocessing.get(modality, {}).get("constants", {})
            spread = constants.get("spread", total_spread(x))
            blocks.append(x / np.float32(max(spread, 1e-6)))
        return np.hstack(blocks)

    @property
    def feature_names(self):
        """Names in the order of the columns of :attr:`matrix`; of several modalities with theirs.

        ``rna:CD3E`` and ``adt:CD3E`` are two features.
        """
        if len(self.names) == 1:
            return next(iter(self.names.values()))
        return np.array([f"{m}:{name}" for m, names in self.names.items() for name in names])

    def groups(self, within):
        """Codes of the groups that expression neighbours must share, array of int (n,).

        Parameters
        ----------
        within : {'image', 'slice', 'cohort'}
        """
        if within == "cohort":
            return np.zeros(len(self), dtype=np.int64)
        return np.unique(getattr(self, within), return_inverse=True)[1]

    def take(self, rows):
        """The cells of some rows (an index array, slice or mask), without the parents' record."""
        return replace(
            self,
            ids=self.ids[rows],
            features={m: x[rows] for m, x in self.features.items()},
            coordinates=self.coordinates[rows],
            image=self.image[rows],
            slice=self.slice[rows],
            pseudolabels=None if self.pseudolabels is None else self.pseudolabels[rows],
            parents=np.empty((0, 2), dtype=np.int64),
            aside={m: x[rows] for m, x in self.aside.items()},
        )

    def whole(self):
        """The cells with every feature, those that do not cluster last in each modality."""
        if not self.aside:
            return self
        both = {m: (self.aside[m], self.aside_names[m]) for m in self.aside}
        return replace(
            self,
            features={
                m: np.hstack([x, both[m][0]]) if m in both else x for m, x in self.features.items()
            },
            names={
                m: np.append(names, both[m][1]) if m in both else names
                for m, names in self.names.items()
            },
            aside={},
            aside_names={},
        )

    def original(self):
        """The cells that were measured."""
        return self if self.n_original == len(self) else self.take(np.arange(self.n_original))


def total_spread(x):
    """Square root of the sum of all features' variances."""
    return np.sqrt(x.var(axis=0, dtype=np.float64).sum())
