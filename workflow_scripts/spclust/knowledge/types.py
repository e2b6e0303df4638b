"""Types of single cells by signatures: scores, probabilities, and first labels made of them."""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import softmax

from spclust.clustering import heads
from spclust.errors import UserError
from spclust.knowledge.measured import by_protein
from spclust.knowledge.panel import read_proteins
from spclust.knowledge.signatures import lineage_of, read_signatures, told_by

log = logging.getLogger(__name__)

# of several things that a cell should lack the mean counts, not as for clusters (naming.py) the
# strongest, which of many is high by noise alone; for the same reason more is asked of a type.
# Values and the number of EM steps: chosen on simulated types
CONTRADICTION, UNKNOWN, SHARPNESS = 0.5, 1.0, 1.0
# a type with a smaller share of the cells is not there; of so many cells unknown ones are groups
FEWEST, FEWEST_SHARE, LARGE_SHARE = 20, 0.005, 0.02
FEWEST_TYPES = 5  # that a panel must tell for them to be counted
EM_STEPS, RIDGE = 20, 1e-2


@dataclass(frozen=True)
class Scores:
    """How well each cell fits each type.

    Attributes
    ----------
    types : list of str, t of them
    values : array, shape (n, t)
        Mean of the positive markers less half the mean of the negative ones, in standard
        deviations.
    probability : array, shape (n, t + 1)
        Softmax of the values; the last is ``unknown``.
    """

    types: list
    values: np.ndarray
    probability: np.ndarray


def score(cells, signatures=None, proteins=None):
    """Score each cell for each type that its proteins can tell.

    A wider type is left out where two or more of the narrower ones can be told.

    Parameters
    ----------
    cells : Cells, n of them
        Prepared; the features left aside take part, too.
    signatures : dict of str to Signature, optional
    proteins : DataFrame, optional
        The library's own where left out.

    Returns
    -------
    Scores

    Raises
    ------
    UserError
        When no two types can be recognised by the names of the features.
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures = read_signatures(proteins=proteins) if signatures is None else signatures
    z = by_protein(cells.whole(), proteins)
    told_apart = told_by(set(z), signatures)
    narrower = [w for n in told_apart for w in lineage_of(n, told_apart)[1:2]]
    told_apart = {n: s for n, s in told_apart.items() if narrower.count(n) < 2}
    if len(told_apart) < 2:
        raise UserError(
            f"pseudolabels.<name>.method: signatures, but the {len(z)} proteins known by name tell "
            f"{len(told_apart)} types; take another method, or add types "
            "(config: knowledge.signatures)"
        )

    def mean_of(markers):
        # of several proteins that stand for a marker the best comes first
        return np.mean([z[marker[0]] for marker in markers], axis=0) if markers else 0.0

    values = np.stack(
        [mean_of(s.positive) - CONTRADICTION * mean_of(s.negative) for s in told_apart.values()],
        axis=1,
    )
    unknown = np.full((len(cells), 1), UNKNOWN)
    return Scores(
        list(told_apart), values, softmax(SHARPNESS * np.hstack([values, unknown]), axis=1)
    )


def first_labels(cells, n_clusters, seed, signatures=None, proteins=None):
    """First labels from signatures, refined in all features that cluster.

    Each cell starts with its most probable type; types of fewer than 20 cells or .5 % vanish.
    Unknown cells form groups of their own where they are 2 % or more and the types leave over
    that share of the clusters; elsewhere the mixture deals them out. See :func:`refined` for
    what follows. Where that gives more groups than asked, the nearest are merged (Ward's
    criterion, in the metric of the mixture); it may give fewer.

    Parameters
    ----------
    cells : Cells, n of them
    n_clusters : int
    seed : int
    signatures, proteins
        As of :func:`score`.

    Returns
    -------
    array of int, shape (n,)
        At most ``n_clusters`` ids, by decreasing size.
    """
    scores, n = score(cells, signatures, proteins), len(cells)
    n_types, best = len(scores.types), scores.probability.argmax(axis=1)
    there, counts = _there(scores)
    log.info(
        "types found: %s; %d of %d cells unknown",
        {scores.types[t]: int(counts[t]) for t in there},
        counts[n_types],
        n,
    )
    prior, start = scores.probability[:, there], best[:, None] == there
    # heavy tails pull means and metric; arcsinh leaves what is near the mean as it is
    x = np.arcsinh(cells.matrix.astype(np.float64))
    room, share = n_clusters - len(there), (best == n_types).mean()
    if not there or (room >= max(1, round(share * n_clusters)) and share >= LARGE_SHARE):
        # few groups for many unknown cells would swallow types, these then do better without
        rows = np.flatnonzero(best == n_types) if there else np.arange(n)
        groups = np.zeros((n, min(room, len(rows))), dtype=bool)
        groups[rows, heads.kmeans(x[rows], groups.shape[1], seed)] = True
        share = scores.probability[:, [n_types]] / groups.shape[1]
        prior = np.hstack([prior, np.repeat(share, groups.shape[1], axis=1)])
        start = np.hstack([start, groups])
    labels, y = refined(x, prior, start)
    while len(np.unique(labels)) > n_clusters:
        labels = _nearest_merged(y, labels)
    return heads.ordered_by_size(labels)


def _there(scores):
    """Types with enough cells, and the number of cells that each type, or none, fits best."""
    counts = np.bincount(scores.probability.argmax(axis=1), minlength=len(scores.types) + 1)
    fewest = max(FEWEST, FEWEST_SHARE * len(scores.probability))
    return [t for t in range(len(scores.types)) if counts[t] >= fewest], counts


def number_of_types(cells, signatures=None, proteins=None):
    """How many types there are, of which at least 20 cells and .5 % are.

    Parameters
    ----------
    cells, signatures, proteins
        As of :func:`score`.

    Returns
    -------
    int or None
        None where the names of the features tell fewer than five types, which is no panel to
        count by.
    """
    try:
        scores = score(cells, signatures, proteins)
    except UserError as error:
        log.info("types cannot be counted: %s", error)
        return None
    there, counts = _there(scores)
    if len(scores.types) < FEWEST_TYPES:
        log.info("the features tell %d types only, too few to count by", len(scores.types))
        return None
    log.info("types found: %s", {scores.types[t]: int(counts[t]) for t in there})
    return len(there) or None


def refined(x, prior, start):
    """A few EM steps of a Gaussian mixture with one covariance, held to types by their prior.

    A cell's probability of a group is proportional to the group's size, to the normal density
    about the group's mean and to ``prior``, so that a group cannot drift from its type. The one
    covariance is a metric learnt from the cells: it whitens them within groups.

    Parameters
    ----------
    x : array, shape (n, d)
    prior : array, shape (n, k)
    start : array of bool, shape (n, k)
        The group of each cell to begin with; a row without any takes no part in the first step.

    Returns
    -------
    labels : array of int, shape (n,)
    y : array, shape (n, d)
        The cells in the metric of the mixture.
    """
    weight = start.astype(np.float64)
    log_prior = np.log(prior + 1e-9)
    for _ in range(EM_STEPS):
        size = np.maximum(weight.sum(axis=0), 1e-9)
        means = weight.T @ x / size[:, None]
        covariance = (
            (x * weight.sum(axis=1)[:, None]).T @ x - (means.T * size) @ means
        ) / size.sum()
        ridge = RIDGE * np.trace(covariance) / len(covariance) + 1e-9
        factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
        y = solve_triangular(factor, x.T, lower=True).T
        centres = solve_triangular(factor, means.T, lower=True).T
        density = y @ centres.T - (centres**2).sum(axis=1) / 2
        weight = softmax(density + np.log(size / size.sum()) + log_prior, axis=1)
    return weight.argmax(axis=1), y


def _groups(x, labels):
    """Ids, sizes and means of groups."""
    ids, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(ids), x.shape[1]))
    np.add.at(sums, codes, x)
    return ids, sizes, sums / sizes[:, None]


def _nearest_merged(x, labels):
    """Labels with the two groups joined that add least to the squares within groups."""
    ids, sizes, means = _groups(x, labels)
    apart = ((means[:, None] - means[None]) ** 2).sum(axis=2)
    added = apart * sizes[:, None] * sizes / (sizes[:, None] + sizes)
    added[np.diag_indices(len(ids))] = np.inf
    one, other = np.unravel_index(added.argmin(), added.shape)
    return np.where(labels == ids[other], ids[one], labels)
