"""One clustering of many: a vote of partitions, and their bipartite spectral consensus.

Neither the order of the partitions nor the ids of their clusters matters, to the last bit: both
are brought into one form first. Cells count alike, so everything but the vote itself is computed
from tables of cluster by cluster.
"""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.cluster import KMeans

from spclust.clustering.heads import ordered_by_size
from spclust.clustering.matching import matched

log = logging.getLogger(__name__)

ROUNDS = 3
# a vote of more cells than this at once would fill the memory with their shares
BLOCK_ROWS = 100_000


@dataclass(frozen=True)
class Pool:
    """Partitions of the same cells.

    Attributes
    ----------
    partitions : array of int, shape (m, n)
        Ids of clusters from 0 in the order of their first cell.
    order : array of int, shape (m,)
        Member given as which stands in each row; rows are sorted by their content.
    rand : array of float, shape (m, m)
        Adjusted Rand index of each pair.
    """

    partitions: np.ndarray
    order: np.ndarray
    rand: np.ndarray

    @classmethod
    def of(cls, partitions):
        """Bring partitions, array-like of int (m, n), into the form that does not depend on ids.

        Raises
        ------
        ValueError
            Without any partition or cell.
        """
        given = np.atleast_2d(np.asarray(partitions))
        if not given.size:
            raise ValueError("a vote needs at least one partition of at least one cell")
        rows = np.array([pd.factorize(labels)[0] for labels in given])
        order = np.array(sorted(range(len(rows)), key=lambda i: rows[i].tobytes()))
        rows = rows[order]
        return cls(rows, order, _rand_indices(rows))

    @property
    def agreement(self):
        """Mean ARI of each member, in rows of ``partitions``, to the others; 1 of a single one."""
        m = len(self.rand)
        return (self.rand.sum(axis=1) - 1) / (m - 1) if m > 1 else np.ones(1)

    @property
    def weights(self):
        """Squared agreement of each row; all one where none agrees with another.

        Not the squared ARI to the reference: that is a member itself, so it would outvote the
        rest of a pool whose members agree little.
        """
        weights = np.maximum(self.agreement, 0) ** 2
        return weights if weights.any() else np.ones_like(weights)

    def as_given(self, values):
        """Values (m,) of the rows in the order in which the members were given."""
        given = np.empty_like(values)
        given[self.order] = values
        return given

    def central(self):
        """Mask (m,) of the rows with more than the median agreement: a half, rounded up."""
        ranked = np.argsort(-self.agreement, kind="stable")
        chosen = np.zeros(len(ranked), dtype=bool)
        chosen[ranked[: (len(ranked) + 1) // 2]] = True
        return chosen


@dataclass(frozen=True)
class Vote:
    """What a pool agrees on.

    Attributes
    ----------
    labels : array of int, shape (n,)
        Ids by decreasing size.
    shares : array of float32, shape (n, c)
        Share of each cluster in the weighted votes on a cell; rows sum to 1.
    """

    labels: np.ndarray
    shares: np.ndarray

    @property
    def confidence(self):
        """Share of the vote that a cell's own cluster has, shape (n,)."""
        return self.shares[np.arange(len(self.labels)), self.labels]


def vote(pool, n_clusters):
    """Weighted vote on each cell.

    The reference is the partition with the asked number of clusters (else the nearest number)
    that agrees best with the others. Clusters of every partition are matched to it by their
    Jaccard index, one to one (Hungarian algorithm), surplus ones to the best. Partitions weigh by
    their squared agreement. The result is the next reference, three times in all.

    Parameters
    ----------
    pool : Pool
    n_clusters : int

    Returns
    -------
    Vote
    """
    counts = pool.partitions.max(axis=1) + 1
    off = np.abs(counts - n_clusters)
    best = np.lexsort((-pool.agreement, off))[0]
    reference = pool.partitions[best]
    for _ in range(ROUNDS):
        shares = vote_shares(pool, reference)
        reference = pd.factorize(shares.argmax(axis=1))[0]
    return _by_size(shares, shares.argmax(axis=1))


def spectral(pool, n_clusters, seed):
    """Spectral clustering of the bipartite graph of cells and clusters (Fern and Brodley 2004).

    Of the more central half of the partitions. A cell is linked to the cluster it lies in, in each
    partition; cells are embedded by the leading singular vectors of the normalised incidence
    matrix, taken from the small matrix of clusters, and grouped by KMeans.

    Parameters
    ----------
    pool : Pool
    n_clusters, seed : int

    Returns
    -------
    Vote
        Shares are those of the vote of the whole pool on these clusters.
    """
    if n_clusters == 1:
        reference = np.zeros(pool.partitions.shape[1], dtype=np.int64)
    else:
        incidence, _ = _incidence(pool.partitions[pool.central()])
        sizes = np.asarray(incidence.sum(axis=0)).ravel()
        scaled = incidence @ sp.diags(1 / np.sqrt(sizes))
        values, vectors = np.linalg.eigh((scaled.T @ scaled).toarray())
        leading = vectors[:, ::-1][:, :n_clusters]
        # the sign of a singular vector is arbitrary
        leading = leading * np.sign(
            leading[np.abs(leading).argmax(axis=0), range(leading.shape[1])]
        )
        x = scaled @ leading
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        reference = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(x)
    # its own clusters are the labels, the votes only say how sure they are
    reference = pd.factorize(reference)[0]
    return _by_size(vote_shares(pool, reference), reference)


def _by_size(shares, labels):
    ids = ordered_by_size(labels)
    there, rows = np.unique(ids, return_index=True)
    # clusters that nobody is in come last
    old = labels[rows]
    old = np.r_[old, np.setdiff1d(np.arange(shares.shape[1]), old)]
    if len(there) < shares.shape[1]:
        log.warning("%d of %d clusters won no cell", shares.shape[1] - len(there), shares.shape[1])
    return Vote(ids, shares[:, old])


def vote_shares(pool, reference):
    """One round: the shares of each cluster of a reference in the votes on every cell.

    Parameters
    ----------
    pool : Pool
    reference : array of int, shape (n,)
        Ids ``0 .. c - 1``.

    Returns
    -------
    array of float32, shape (n, c)
    """
    n, c = len(reference), reference.max() + 1
    own, weights, columns = np.bincount(reference, minlength=c), pool.weights, []
    for labels in pool.partitions:
        common = _table(labels, reference)
        union = common.sum(axis=1, keepdims=True) + own - common
        columns.append(matched(common / union))
    shares = np.zeros((n, c), dtype=np.float32)
    for start in range(0, n, BLOCK_ROWS):
        rows = np.arange(start, min(start + BLOCK_ROWS, n))
        part = np.zeros((len(rows), c))
        for labels, names, weight in zip(pool.partitions, columns, weights):
            part[rows - start, names[labels[rows]]] += weight
        shares[rows] = part / weights.sum()
    return shares


def _table(a, b):
    """Number of cells of each cluster of two partitions, floats (c_a, c_b)."""
    width = b.max() + 1
    counts = np.bincount(a * width + b, minlength=(a.max() + 1) * width)
    return counts.reshape(-1, width).astype(np.float64)


def _rand_index(common):
    """Adjusted Rand index (Hubert and Arabie 1985) from a contingency table."""
    n = common.sum()
    same = (common * (common - 1)).sum() / 2
    a, b = ((s * (s - 1)).sum() / 2 for s in (common.sum(axis=1), common.sum(axis=0)))
    pairs = n * (n - 1) / 2
    expected = a * b / pairs if pairs else 0
    highest = (a + b) / 2
    return 1.0 if highest == expected else (same - expected) / (highest - expected)


def _incidence(partitions):
    """Sparse matrix of cells by all clusters, and where each partition's clusters begin."""
    m, n = partitions.shape
    begin = np.r_[0, np.cumsum(partitions.max(axis=1) + 1)]
    columns = (partitions + begin[:-1, None]).T.ravel()
    rows = np.arange(0, n * m + 1, m)
    return sp.csr_matrix((np.ones(n * m), columns, rows), (n, begin[-1])), begin


def _rand_indices(partitions):
    """Adjusted Rand index of each pair, symmetric (m, m)."""
    incidence, begin = _incidence(partitions)
    common = (incidence.T @ incidence).toarray()
    indices = np.eye(len(partitions))
    for i in range(len(partitions)):
        for j in range(i):
            block = common[begin[i] : begin[i + 1], begin[j] : begin[j + 1]]
            indices[i, j] = indices[j, i] = _rand_index(block)
    return indices
