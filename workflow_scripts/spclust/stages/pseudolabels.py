"""First labels of the cells and the number of clusters (Algorithm 1, line 2)."""

import logging

import numpy as np
from sklearn.metrics import adjusted_rand_score

from spclust.clustering import heads
from spclust.data.requirements import enough_cells
from spclust.errors import UserError
from spclust.knowledge import types as celltypes
from spclust.neighbours import expression

log = logging.getLogger(__name__)

# `auto`: Leiden at these resolutions, repeated with so many seeds, on at most so many cells
AUTO_RESOLUTIONS = np.geomspace(0.05, 2.0, 16)
AUTO_REPEATS, AUTO_CELLS, AUTO_NEIGHBOURS = 4, 10_000, 15
# not one of the config's: all replicates of a dataset share one number of clusters
AUTO_SEED = 42
# partitions this close to the most stable one count as equally stable
AUTO_TOLERANCE = 0.95
AUTO_MOST = 30  # clusters; finer divisions are no cell types any more


def assign(
    cells,
    n_clusters,
    seed,
    method,
    n_neighbors,
    expression_within,
    reference=None,
    votes=None,
    knowledge=(),
    clusters=None,
    run=None,
):
    """Pseudo-labels of prepared cells.

    Parameters
    ----------
    cells : Cells
    n_clusters : int
    seed : int
    method : {'leiden', 'kmeans', 'ward', 'vote', 'signatures', 'run', 'random', 'truth'}
    n_neighbors : int
        Neighbours in Leiden's graph.
    expression_within : {'cohort', 'slice', 'image'}
        What neighbours in Leiden's graph have in common.
    reference : Series, shape (n,), optional
        Reference labels, for ``truth``.
    votes : Votes, optional
        For ``vote``.
    knowledge : (dict of str to Signature, DataFrame), optional
        Signatures and proteins, for ``signatures``; the library's own where left out.
    clusters : array of int, shape (n,), optional
        Clusters of another run, for ``run``.
    run : str, optional
        Its name, for messages.

    Returns
    -------
    array of int, shape (n,)
        Ids by decreasing size, but of ``random``; of ``signatures`` and ``run`` perhaps fewer than
        ``n_clusters``.

    Raises
    ------
    UserError
        When there are fewer cells than clusters, ``truth`` has no labels to take, or it or
        ``run`` more classes than clusters.
    """
    enough_cells(len(cells), n_clusters)
    if method == "leiden":
        groups = cells.groups(expression_within)
        labels = heads.leiden(cells.matrix, groups, n_clusters, n_neighbors, seed)
    elif method == "kmeans":
        labels = heads.kmeans(cells.matrix, n_clusters, seed)
    elif method == "ward":
        labels = heads.ward(cells.matrix, n_clusters, seed)
    elif method == "vote":
        labels = votes.labels["vote"]
    elif method == "signatures":
        labels = celltypes.first_labels(cells, n_clusters, seed, *knowledge)
    elif method == "run":
        labels = heads.ordered_by_size(clusters)
        if labels.max() >= n_clusters:
            raise UserError(
                f"pseudolabels.<name>.run: {run} has {labels.max() + 1} clusters, but n_clusters "
                f"is {n_clusters}; name a run with the same setting of preprocess"
            )
    elif method == "random":
        labels = np.random.default_rng(seed).integers(n_clusters, size=len(cells))
    else:
        labels = heads.reference_classes(cells.matrix, reference)
        if labels.max() >= n_clusters:
            raise UserError(
                f"pseudolabels.<name>.method: truth has {labels.max() + 1} classes, but n_clusters "
                f"is {n_clusters}; set n_clusters: from_labels"
            )
    log.info("%s: cells per pseudo-label %s", method, np.bincount(labels).tolist())
    return labels


def choose_n_clusters(cells, n_clusters, reference=None, knowledge=()):
    """The number of clusters: given, counted in the labels, or chosen without any.

    ``auto`` counts the types of cells that signatures find, where the names of the features tell
    at least five (:func:`spclust.knowledge.types.number_of_types`). Elsewhere it runs Leiden at 16
    resolutions with four seeds each and compares the partitions of one resolution with each other
    (ARI). Of the resolutions that are nearly as repeatable as the most repeatable one and give 2
    to 30 clusters the finest is taken, and its usual number of clusters. Of more than 10,000 cells
    a sample decides.

    Parameters
    ----------
    cells : Cells
    n_clusters : int or {'from_labels', 'auto'}
    reference : Series, shape (n,), optional
        Reference labels, for ``from_labels``.
    knowledge : (dict of str to Signature, DataFrame), optional
        Signatures and proteins, for ``auto``; the library's own where left out.

    Returns
    -------
    (int, str)
        The number and how it was found.

    Raises
    ------
    UserError
        When there are fewer cells than clusters, or no labels to count.
    """
    if n_clusters == "from_labels":
        if reference is None or reference.isna().all():
            raise UserError(
                "n_clusters: from_labels was asked, but this dataset has no scored labels; name "
                "their column in the dataset's key `label`, or set n_clusters to a number or auto"
            )
        number, how = int(reference.nunique()), "number of scored classes"
    elif n_clusters == "auto":
        number, how = (
            celltypes.number_of_types(cells, *knowledge),
            "auto: types found by signatures",
        )
        if number is None:
            number, how = most_repeatable(cells.matrix)
    else:
        number, how = int(n_clusters), "given"
    enough_cells(len(cells), number)
    log.info("%d clusters (%s)", number, how)
    return number, how


def most_repeatable(x):
    """The label-free choice of :func:`choose_n_clusters` from features (n, d)."""
    if len(x) > AUTO_CELLS:
        log.info("auto: a sample of %d of the %d cells", AUTO_CELLS, len(x))
        drawn = np.random.default_rng(AUTO_SEED).choice(len(x), AUTO_CELLS, replace=False)
        x = x[np.sort(drawn)]
    if len(x) < 3:
        return 1, "auto: too few cells to tell clusters apart"
    weights = expression.neighbour_weights(x, np.zeros(len(x)), AUTO_NEIGHBOURS, AUTO_SEED)
    stabilities, partition = [], heads.leiden_partitions(weights)
    for resolution in AUTO_RESOLUTIONS:
        seeds = range(AUTO_SEED, AUTO_SEED + AUTO_REPEATS)
        runs = [partition(resolution, seed) for seed in seeds]
        counts = [len(np.unique(run)) for run in runs]
        pairs = [adjusted_rand_score(a, b) for i, a in enumerate(runs) for b in runs[i + 1 :]]
        count = int(np.median(counts))
        log.info(
            "resolution %.3f: %s clusters, repeatability %.3f", resolution, counts, np.mean(pairs)
        )
        if 1 < count <= AUTO_MOST:
            stabilities.append((count, float(np.mean(pairs))))
    if not stabilities:
        return 1, "auto: Leiden finds no second cluster"
    best = max(stability for _, stability in stabilities)
    number, stability = max(f for f in stabilities if f[1] >= AUTO_TOLERANCE * best)
    return number, f"auto: finest of the repeatable Leiden partitions (ARI {stability:.3f})"
