"""Clustering heads: labels from a matrix of cells, one function per algorithm.

Used for first labels and for the baselines alike. Ids are ordered by decreasing size, so the
largest cluster is 0 whatever the algorithm called it.
"""

import logging
import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin

from spclust.clustering.prototypes import class_means
from spclust.errors import UserError
from spclust.neighbours.expression import neighbour_weights
from spclust.neighbours.knn import neighbours_within

log = logging.getLogger(__name__)

# range of the paper's resolution search, and most steps of it
RESOLUTIONS, BISECTIONS = (1e-6, 3.0), 30
# where that is too low for the clusters that are asked for, up to this it goes on
HIGHEST = 1e4
# an interval narrower than this share of its upper end holds no partition that is worth the time
NARROWEST = 1e-3
# Ward needs n^2 / 2 distances: 1.6 GB at this size
WARD_CELLS = 20_000
# of the Gaussian mixture: steps, and a variance that every feature has at least
MIXTURE_STEPS, MIXTURE_FLOOR = 30, 1e-3


def ordered_by_size(labels):
    """Rename labels so that 0 is the largest cluster; ties keep the order of the old ids."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return rank[codes]


def kmeans(x, n_clusters, seed, n_init=20):
    """KMeans; ``n_init=20`` as in the paper (appendix B.2)."""
    return ordered_by_size(KMeans(n_clusters, n_init=n_init, random_state=seed).fit_predict(x))


def ward(x, n_clusters, seed):
    """Ward's hierarchical clustering; above 20,000 cells of a sample.

    The other cells take the cluster with the nearest centroid. (Merging along a kNN graph
    instead took eight minutes for 100,000 cells, and more than linearly longer for more.)
    """
    if len(x) > WARD_CELLS:
        log.warning("Ward on a sample of %d of the %d cells", WARD_CELLS, len(x))
    hierarchy = AgglomerativeClustering(n_clusters, linkage="ward")
    return of_sample(hierarchy.fit_predict, x, WARD_CELLS, seed)


def of_sample(cluster, x, most, seed):
    """Clusters of so many rows at most; the others take the nearest centroid.

    Parameters
    ----------
    cluster : callable
        Rows to labels, array of int.
    x : array, shape (n, d)
    most, seed : int

    Returns
    -------
    array of int, shape (n,)
    """
    chosen = np.ones(len(x), dtype=bool)
    if len(x) > most:
        rows = np.random.default_rng(seed).choice(len(x), most, replace=False)
        chosen = np.isin(np.arange(len(x)), rows)
    labels = np.zeros(len(x), dtype=np.int64)
    labels[chosen] = cluster(x[chosen])
    return ordered_by_size(nearest_centroid(x, labels, chosen))


def reference_classes(x, reference):
    """Reference labels as clusters, for controls; cells without one get the nearest class.

    Parameters
    ----------
    x : array, shape (n, d)
    reference : Series, shape (n,), or None
        Missing where a cell is not scored.

    Returns
    -------
    array of int, shape (n,)

    Raises
    ------
    UserError
        When there are no labels.
    """
    if reference is None or reference.isna().all():
        raise UserError(
            "the control `truth` needs reference labels and this dataset has none; name their "
            "column in the dataset's key `label`, or leave the control out"
        )
    labelled = reference.notna().to_numpy()
    codes = pd.factorize(reference, sort=True)[0]
    if not labelled.all():
        log.info("%d cells without a label take that of the nearest class mean", (~labelled).sum())
    return ordered_by_size(nearest_centroid(x, codes, labelled))


def tied_mixture(x, start):
    """Gaussian mixture with one covariance for all components, 30 steps of EM at most.

    A metric learnt without labels: distances are measured by what varies within clusters.

    Parameters
    ----------
    x : array, shape (n, d)
    start : array of int, shape (n,)
        Clusters ``0 .. c - 1`` that it starts from, none empty.

    Returns
    -------
    array of int, shape (n,)
        Of c clusters at most.
    """
    from sklearn.mixture import GaussianMixture

    x, c = np.asarray(x, dtype=np.float64), start.max() + 1
    means = class_means(x, start, c)
    within = np.cov(x - means[start], rowvar=False, ddof=0) + MIXTURE_FLOOR * np.eye(x.shape[1])
    model = GaussianMixture(
        c,
        covariance_type="tied",
        reg_covar=MIXTURE_FLOOR,
        max_iter=MIXTURE_STEPS,
        weights_init=np.bincount(start) / len(x),
        means_init=means,
        precisions_init=np.linalg.inv(within),
        init_params="random_from_data",
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as many steps as there are
        return ordered_by_size(model.fit_predict(x))


def leiden_partitions(weights):
    """Leiden with modularity on a weighted graph (igraph's implementation, two iterations).

    Returns
    -------
    callable
        Resolution and seed to communities, array of int (n,); the graph is built once for all.
    """
    import random

    import igraph

    upper = sp.triu(weights, 1).tocoo()
    graph = igraph.Graph(weights.shape[0], np.column_stack([upper.row, upper.col]))

    def partition(resolution, seed):
        # of its own: igraph would else draw from, and so move, Python's global generator
        igraph.set_random_number_generator(random.Random(seed))
        clustering = graph.community_leiden(
            objective_function="modularity",
            weights=upper.data,
            resolution=resolution,
            n_iterations=2,
        )
        return np.asarray(clustering.membership)

    return partition


def leiden(x, groups, n_clusters, n_neighbors, seed):
    """Leiden on the weighted kNN graph of the rows within groups, see :func:`communities`."""
    weights = neighbour_weights(x, groups, n_neighbors, seed)
    return leiden_of_graph(weights, x, n_clusters, seed)


def leiden_of_graph(weights, x, n_clusters, seed):
    """Leiden on a weighted graph, see :func:`communities`."""
    linked = np.diff(weights.indptr) > 0
    weights = weights[linked][:, linked]
    pieces, of_piece = connected_components(weights, directed=False)
    if pieces > n_clusters > 1:
        log.warning(
            "Leiden's graph has %d pieces, more than the %d clusters, so no piece is divided and "
            "the nearest ones are merged; if these are images or slices, expression_within: "
            "cohort joins them",
            pieces,
            n_clusters,
        )
        return _of_all(merged(x[linked], of_piece, n_clusters), linked, x)
    partition = leiden_partitions(weights)
    return communities(lambda r: partition(r, seed), linked, x, n_clusters, seed)


def search_resolution(partition, goal, steps=BISECTIONS, bounds=RESOLUTIONS):
    """Bisect the resolution until a partition has ``goal`` communities.

    Their number need not grow steadily with the resolution; the nearest number met is taken.

    Parameters
    ----------
    partition : callable
        Resolution to communities, array of int (n,).
    goal, steps : int
    bounds : (float, float)

    Returns
    -------
    array of int, shape (n,)
        Communities ``0 .. number met - 1``.
    float
        Resolution they were found at.
    """
    low, high = bounds
    best, best_count = None, 0
    for _ in range(steps):
        resolution = (low + high) / 2
        labels = np.unique(partition(resolution), return_inverse=True)[1]
        count = labels.max() + 1
        # of two numbers equally far from the goal the larger can still be merged down
        if best is None or (abs(count - goal), -count) < (abs(best_count - goal), -best_count):
            best, best_count, at = labels, count, resolution
        if count == goal:
            break
        low, high = (resolution, high) if count < goal else (low, resolution)
        if high - low < NARROWEST * high:
            break
    log.info("Leiden: %d clusters at resolution %.4g, aim %d", best_count, at, goal)
    return best, at


def communities(partition, linked, x, n_clusters, seed, steps=BISECTIONS):
    """The asked number of communities of a graph.

    Cells outside the graph take the cluster with the nearest centroid. Where no resolution gives
    the number, surplus clusters are merged; KMeans stands in for a graph of too few cells.

    Parameters
    ----------
    partition : callable
        Resolution to communities of the linked cells, array of int.
    linked : array of bool, shape (n,)
        Whether a cell is in the graph.
    x : array, shape (n, d)
    n_clusters, seed, steps : int

    Returns
    -------
    array of int, shape (n,)
    """
    if n_clusters == 1:
        return np.zeros(len(x), dtype=np.int64)
    if not linked.any():
        log.warning("Leiden's graph has no edges, too few cells may be neighbours; took KMeans")
        return kmeans(x, n_clusters, seed)
    best, _ = search_resolution(partition, n_clusters, steps)
    low, high = RESOLUTIONS
    while (count := best.max() + 1) < n_clusters and high < HIGHEST:
        low, high = high, 4 * high
        best, _ = search_resolution(partition, n_clusters, steps, (low, high))
    if count < n_clusters:
        log.warning(
            "Leiden's graph of %d cells has only %d of %d clusters; took KMeans instead",
            linked.sum(),
            count,
            n_clusters,
        )
        return kmeans(x, n_clusters, seed)
    if count > n_clusters:
        log.warning(
            "Leiden found no resolution with exactly %d clusters; merged the nearest of %d",
            n_clusters,
            count,
        )
        best = merged(x[linked], best, n_clusters)
    return _of_all(best, linked, x)


def _of_all(labels, linked, x):
    """Clusters of all cells from those of the linked ones, by decreasing size."""
    clusters = np.zeros(len(x), dtype=np.int64)
    clusters[linked] = labels
    return ordered_by_size(nearest_centroid(x, clusters, linked))


def merged(x, labels, n_clusters):
    """Merge clusters until ``n_clusters`` are left, by Ward's criterion on their centroids."""
    codes = ordered_by_size(labels)
    centroids = class_means(x, codes, codes.max() + 1)
    return AgglomerativeClustering(n_clusters, linkage="ward").fit_predict(centroids)[codes]


def nearest_centroid(x, labels, labelled):
    """Give rows without a label that of the nearest class mean.

    Parameters
    ----------
    x : array, shape (n, d)
    labels : array of int, shape (n,)
        Ids from 0; what stands in rows that are not ``labelled`` does not matter.
    labelled : array of bool, shape (n,)
        True in at least one row of every id.
    """
    labels = np.array(labels)
    if not labelled.all():
        means = class_means(x[labelled], labels[labelled], labels[labelled].max() + 1)
        labels[~labelled] = pairwise_distances_argmin(x[~labelled], means)
    return labels


def neighbour_agreement(x, labels, n_neighbors=15, groups=None):
    """Share of a cell's nearest cells in its own cluster, a confidence in [0, 1].

    Parameters
    ----------
    x : array, shape (n, d)
    labels : array of int, shape (n,)
    n_neighbors : int
    groups : array, shape (n,), optional
        Neighbours are of the same group; by default all cells are one.

    Returns
    -------
    array of float, shape (n,)
        1 for a cell alone in its group.
    """
    groups = np.zeros(len(x)) if groups is None else groups
    agreement = np.ones(len(x))
    for cells, neighbours in neighbours_within(x, groups, n_neighbors):
        agreement[cells] = (labels[neighbours] == labels[cells][:, None]).mean(1)
    return agreement
