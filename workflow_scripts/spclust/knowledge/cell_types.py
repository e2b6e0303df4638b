"""A type for each cell, of what it has and lacks itself and what the cells of its clusters do.

No number of types is given, no label seen. Each marker is first put on one scale: 0 where cells
lack it, 3 where they have it, as far as the types themselves say who does. So a marker of many
cells counts no less than one of few. Which of the choices below were measured on what:
tests/measured/comparison/cell_types.md.
"""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from spclust.knowledge.measured import by_protein
from spclust.knowledge.panel import read_proteins
from spclust.knowledge.signatures import lineage_of, read_signatures, told_by

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
# weight of what a cell should lack, and of what it should have for a wider type alone
CONTRADICTION, INHERITED = 1.0, 0.5
# how sharply the mean of a cluster says what its cells are
SHARPNESS = 3.0
# levels of a marker: of cells that have it, and the lowest and highest counted
HIGH, LOWEST, HIGHEST = 3.0, -2.0, 3.0
# standard deviations that cells of a marker's types must be above the others for it to have levels
APART = 0.3
# stains differ between slices, but fewer cells do not say how
FEWEST_IN_SLICE = 500
# a cell that fits no type better than this fits none
FITS = 0.75
# makes probabilities as sharp as they are right, on planted and on labelled cells
TEMPERATURE = 1.05
# share of all probability, or of that of the wider type, that makes a type one that is supported
SUPPORTED = 0.5


@dataclass(frozen=True)
class CellTypes:
    """How likely each cell is of each type.

    Attributes
    ----------
    types : list of str, t of them
        In the order of the table of signatures; a wider type only where fewer than two of its
        narrower ones can be told.
    probability : array, shape (n, t + 1)
        Rows add up to 1; the last column is ``unknown``.
    lineage : dict of str to list of str
        Every type that can be told, wider ones too, to itself and those above it.
    proteins : list of str, d of them
        Canonical names of the proteins that were measured.
    levels : array, shape (n, d)
        About 0 where a cell lacks the protein and 3 where it has it.
    split : array of bool, shape (d,)
        Proteins whose levels the types tell; the levels of others are standard deviations.
    own : dict of str to list of str
        Every type to the proteins that mark it, of those measured.
    lacking : dict of str to list of str
        And to those that it should lack.
    """

    types: list
    probability: np.ndarray
    lineage: dict
    proteins: list
    levels: np.ndarray
    split: np.ndarray
    own: dict
    lacking: dict

    def total(self):
        """Probability of every type with those of the narrower ones, array (n, all types)."""
        names = list(self.lineage)
        total = np.zeros((len(self.probability), len(names)))
        for column, name in enumerate(self.types):
            for wider in self.lineage[name]:
                total[:, names.index(wider)] += self.probability[:, column]
        return total

    def narrowest(self, supported=SUPPORTED):
        """The narrowest type that each cell supports.

        That is a type with more than so much probability, wider ones having that of the narrower
        ones, and below it the narrower one that has more than so much of that.

        Returns
        -------
        name : array of str, shape (n,)
            Where no type has so much, the likeliest, which may be ``unknown``.
        probability : array, shape (n,)
        """
        total, everywhere = self.total(), np.ones(len(self.probability), dtype=bool)
        best = self.probability.argmax(axis=1)
        name = np.array([*self.types, UNKNOWN], dtype=object)[best]
        probability = self.probability.max(axis=1)
        of_wider, reached = {}, {}
        # from the widest to the narrowest
        for one, line in sorted(self.lineage.items(), key=lambda item: len(item[1])):
            wider = line[1] if len(line) > 1 else None
            own = of_wider[one] = total[:, list(self.lineage).index(one)]
            there = own > supported * of_wider.get(wider, 1.0)
            reached[one] = there = there & reached.get(wider, everywhere)
            name[there], probability[there] = one, own[there]
        return name, probability

    def sets(self, coverage):
        """Types that may be meant, so many that this share of the cells has its own among them.

        All with a probability above one bound, which is the same for all cells (Sadinle et al.
        2019), and the likeliest; the bound goes by the probabilities themselves. Where cells are
        clear, sets of one cover more than was asked.

        Returns
        -------
        array of bool, shape (n, t + 1)
        """
        p = self.probability
        ordered = np.sort(p, axis=None)[::-1]
        enough = np.searchsorted(np.cumsum(ordered), coverage * len(p))
        sets = p >= ordered[min(enough, len(ordered) - 1)]
        sets[np.arange(len(p)), p.argmax(axis=1)] = True
        return sets


def tell(cells, groupings, signatures=None, proteins=None):
    """Tell the type of each cell.

    Parameters
    ----------
    cells : Cells, n of them
        Prepared; the features left aside take part, too.
    groupings : list of array of int, shape (n,), or of float, shape (n, c)
        Clusterings of the cells, or shares of each cluster in each cell.
    signatures : dict of str to Signature, optional
    proteins : DataFrame, optional
        The library's own where left out.

    Returns
    -------
    CellTypes or None
        None where the names of the features tell fewer than two types; the log says so.
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures = read_signatures(proteins=proteins) if signatures is None else signatures
    by_name = _by_protein(cells.whole(), proteins)
    told = told_by(set(by_name), signatures, inherited=True)
    lineage = {name: lineage_of(name, told) for name in told}
    narrower = [wider for line in lineage.values() for wider in line[1:2]]
    types = [name for name in told if narrower.count(name) < 2]
    if len(types) < 2:
        log.warning(
            "cells get no types: the %d proteins known by name tell %s; add types or names of "
            "proteins (config: knowledge)",
            len(by_name),
            f"{types[0]} only" if types else "none of the types in the table",
        )
        return None
    names = list(by_name)
    z = np.stack(list(by_name.values()), axis=1)
    has, lacks = _weights(types, told, lineage, names)
    groups = [_Means(grouping) for grouping in groupings]
    first = softmax(_evidence(_scores(z, has, lacks), groups), axis=1)
    levels, split = _levels(z, first, has)
    scores = np.hstack([_scores(levels, has, lacks), np.full((len(z), 1), FITS)])
    probability = softmax(_evidence(scores, groups) / TEMPERATURE, axis=1)
    own = {n: list(dict.fromkeys(m[0] for m in told[n].positive)) for n in told}
    lacking = {n: [m[0] for m in told[n].negative if m[0] not in own[n]] for n in told}
    return CellTypes(types, probability, lineage, names, levels, split, own, lacking)


def _by_protein(cells, proteins):
    """As :func:`by_protein`, of a cohort of large slices within each of them."""
    slices, codes, sizes = np.unique(cells.slice, return_inverse=True, return_counts=True)
    if len(slices) == 1 or sizes.min() < FEWEST_IN_SLICE:
        return by_protein(cells, proteins)
    found = {}
    for code in range(len(slices)):
        rows = np.flatnonzero(codes == code)
        for name, values in by_protein(cells.take(rows), proteins).items():
            # 0 where a protein is the same in all cells of a slice
            found.setdefault(name, np.zeros(len(cells)))[rows] = values
    return found


def _weights(types, told, lineage, names):
    """Weights of proteins for and against types, arrays (t, d); each row adds up to 1 or 0."""
    has, lacks = np.zeros((2, len(types), len(names)))
    for row, name in enumerate(types):
        # of several proteins that stand for a marker the best comes first
        for wider in lineage[name][::-1]:
            for marker in told[wider].positive:
                has[row, names.index(marker[0])] = 1.0 if wider == name else INHERITED
        for marker in told[name].negative:
            lacks[row, names.index(marker[0])] = 1.0
    lacks[has > 0] = 0
    return has / has.sum(axis=1, keepdims=True), lacks / np.maximum(lacks.sum(axis=1), 1)[:, None]


def _scores(x, has, lacks):
    return x @ has.T - CONTRADICTION * (x @ lacks.T)


def _evidence(scores, groups):
    """Log of what a cell says of each type, and its clusters, array (n, t), not normalised.

    Many clusterings count as much as the cell itself, a single one, which may err as a whole, half.
    """
    of_clusters = np.zeros_like(scores)
    for group in groups:
        of_clusters += group.spread(lambda means: softmax(SHARPNESS * means, axis=1), scores)
    weight = 1 - 1 / (2 * len(groups))
    return log_softmax(scores, axis=1) + weight * np.log(of_clusters / len(groups) + 1e-9)


class _Means:
    """Means over the clusters of one clustering, hard or by shares."""

    def __init__(self, grouping):
        grouping = np.asarray(grouping)
        self.shares = grouping if grouping.ndim == 2 else None
        if self.shares is None:
            self.codes = np.unique(grouping, return_inverse=True)[1]
            self.sizes = np.bincount(self.codes)

    def spread(self, function, values):
        """What the function makes of the clusters' means, for each cell, array (n, t)."""
        if self.shares is not None:
            size = np.maximum(self.shares.sum(axis=0), 1e-9)
            return self.shares @ function(self.shares.T @ values / size[:, None])
        sums = [np.bincount(self.codes, column) for column in values.T]
        return function(np.stack(sums, axis=1) / self.sizes[:, None])[self.codes]


def _levels(z, probability, has):
    """Markers on the scale of what cells that have and that lack them show.

    Returns
    -------
    levels : array, shape (n, d)
    split : array of bool, shape (d,)
        Those whose types are clearly above the others; the rest stays as it is.
    """
    # for a wider type alone a marker counts less, which is no sign that cells have much of it
    marks = (has > 0) & (has >= has.max(axis=1, keepdims=True) - 1e-9)
    with_it, without = probability @ marks, probability @ (has == 0)
    high = (with_it * z).sum(axis=0) / (with_it.sum(axis=0) + 1e-9)
    low = (without * z).sum(axis=0) / (without.sum(axis=0) + 1e-9)
    split = high - low > APART
    apart = np.where(split, high - low, 1.0)
    levels = np.clip(HIGH * (z - low) / apart, LOWEST, HIGHEST)
    return np.where(split, levels, z), split
