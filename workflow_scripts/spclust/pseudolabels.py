"""First labels of the cells and the number of clusters (Algorithm 1, line 2)."""

import logging

import numpy as np
from sklearn.metrics import adjusted_rand_score

from spclust.contracts import IMAGE, LABEL
from spclust.errors import UserError
from spclust.parts import heads

log = logging.getLogger(__name__)

# `auto`: Leiden at these resolutions, repeated with so many seeds, on at most so many cells
AUTO_RESOLUTIONS = np.geomspace(0.05, 2.0, 16)
AUTO_REPEATS, AUTO_CELLS, AUTO_NEIGHBOURS = 4, 10_000, 15
# partitions this close to the most stable one count as equally stable
AUTO_TOLERANCE = 0.95
AUTO_MOST = 30  # clusters; finer divisions are no cell types any more


def assign(cells, n_clusters, seed, method, n_neighbors):
    """Pseudo-labels of prepared cells.

    Parameters
    ----------
    cells : AnnData, (n, d)
    n_clusters : int
    seed : int
    method : {'leiden', 'kmeans', 'ward', 'random', 'truth'}
    n_neighbors : int
        Neighbours in Leiden's graph.

    Returns
    -------
    array of int, shape (n,)
        Ids by decreasing size.

    Raises
    ------
    UserError
        When there are fewer cells than clusters, or ``truth`` has no labels to take or more
        classes than clusters.
    """
    if cells.n_obs < n_clusters:
        raise UserError(
            f"{n_clusters} clusters were asked of {cells.n_obs} cells; lower n_clusters in the "
            "config"
        )
    x = np.asarray(cells.X, dtype=np.float32)
    if method == "leiden":
        labels = heads.leiden(x, cells.obs[IMAGE].to_numpy(), n_clusters, n_neighbors, seed)
    elif method == "kmeans":
        labels = heads.kmeans(x, n_clusters, seed)
    elif method == "ward":
        labels = heads.ward(x, n_clusters, seed)
    elif method == "random":
        labels = np.random.default_rng(seed).integers(n_clusters, size=cells.n_obs)
    else:
        labels = truth(cells, x)
        if labels.max() >= n_clusters:
            raise UserError(
                f"pseudolabels.<name>.method: truth has {labels.max() + 1} classes, but n_clusters "
                f"is {n_clusters}; set n_clusters: from_labels"
            )
    log.info("%s: cells per pseudo-label %s", method, np.bincount(labels).tolist())
    return labels


def truth(cells, x):
    """Reference labels as numbers; cells that are not scored get the nearest class.

    Raises
    ------
    UserError
        When the slice has no labels.
    """
    if LABEL not in cells.obs or cells.obs[LABEL].isna().all():
        raise UserError(
            "the control `truth` needs reference labels and this slice has none; name their "
            "column in the dataset's key `label`, or leave the control out"
        )
    known = cells.obs[LABEL].notna().to_numpy()
    codes = cells.obs[LABEL].astype("category").cat.remove_unused_categories().cat.codes
    if not known.all():
        log.info("%d cells without a label take that of the nearest class mean", (~known).sum())
    return heads.ordered_by_size(heads.nearest_centroid(x, codes.to_numpy(), known))


def choose_n_clusters(cells, n_clusters, seed):
    """The number of clusters: given, counted in the labels, or chosen without any.

    ``auto`` runs Leiden at 16 resolutions with four seeds each and compares the partitions of
    one resolution with each other (ARI). Of the resolutions that are nearly as repeatable as
    the most repeatable one and give 2 to 30 clusters the finest is taken, and its usual number
    of clusters. Of several images the largest decides.

    Parameters
    ----------
    cells : AnnData, (n, d)
    n_clusters : int or {'from_labels', 'auto'}
    seed : int

    Returns
    -------
    (int, str)
        The number and how it was found.
    """
    if n_clusters == "from_labels":
        if LABEL not in cells.obs or cells.obs[LABEL].isna().all():
            raise UserError(
                "n_clusters: from_labels was asked, but this slice has no scored labels; name "
                "their column in the dataset's key `label`, or set n_clusters to a number or auto"
            )
        number = int(cells.obs[LABEL].nunique())
        how = "number of scored classes"
    elif n_clusters == "auto":
        number, how = most_repeatable(cells, seed)
    else:
        number, how = int(n_clusters), "given"
    if number > cells.n_obs:
        raise UserError(
            f"n_clusters: {number} clusters were asked of {cells.n_obs} cells; lower it"
        )
    log.info("%d clusters (%s)", number, how)
    return number, how


def most_repeatable(cells, seed):
    """The label-free choice of :func:`choose_n_clusters`."""
    images = cells.obs[IMAGE].to_numpy()
    names, codes, counts = np.unique(images, return_inverse=True, return_counts=True)
    # no edge joins two images, so kinds of cells are counted within one, the largest
    chosen = np.flatnonzero(codes == counts.argmax())
    if len(chosen) > AUTO_CELLS:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(chosen, AUTO_CELLS, replace=False))
    log.info("auto: %d cells of image %s", len(chosen), names[counts.argmax()])
    if len(chosen) < 3:
        return 1, "auto: no image has enough cells to tell clusters apart"
    x = np.asarray(cells.X[chosen], dtype=np.float32)
    weights = heads.neighbour_weights(x, images[chosen], AUTO_NEIGHBOURS, seed)
    found = []
    for resolution in AUTO_RESOLUTIONS:
        runs = [heads.leiden_partition(weights, resolution, seed + i) for i in range(AUTO_REPEATS)]
        counts = [len(np.unique(run)) for run in runs]
        pairs = [adjusted_rand_score(a, b) for i, a in enumerate(runs) for b in runs[i + 1 :]]
        count = int(np.median(counts))
        log.info(
            "resolution %.3f: %s clusters, repeatability %.3f", resolution, counts, np.mean(pairs)
        )
        if 1 < count <= AUTO_MOST:
            found.append((count, float(np.mean(pairs))))
    if not found:
        return 1, "auto: Leiden finds no second cluster"
    best = max(stability for _, stability in found)
    number, stability = max(f for f in found if f[1] >= AUTO_TOLERANCE * best)
    return number, f"auto: finest of the repeatable Leiden partitions (ARI {stability:.3f})"
