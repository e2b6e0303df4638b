"""Contacts between kinds of cells against random labelling, in closed form.

Of one image: cells stay where they are and their kinds are dealt out anew, each as often as before.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Counts:
    """What is counted of each pair of kinds, beside its mean and deviation by chance alone.

    Attributes
    ----------
    observed, expected, sd : array, shape (k, k)
    """

    observed: np.ndarray
    expected: np.ndarray
    sd: np.ndarray


def joins(graph, kinds, n_kinds):
    """Contacts between kinds: the join counts of Cliff and Ord, nonfree sampling.

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        Binary, symmetric, no cell joined to itself.
    kinds : array of int, shape (n,)
        From 0 to ``n_kinds - 1``.
    n_kinds : int

    Returns
    -------
    Counts
        Symmetric; a contact within a kind counts once.
    """
    n = len(kinds)
    observed = _between(graph, kinds, n_kinds)
    observed[np.diag_indices(n_kinds)] /= 2
    degree = np.diff(graph.indptr).astype(np.float64)
    edges = degree.sum() / 2
    sharing = (degree * (degree - 1)).sum()  # ordered pairs of edges at one cell
    apart = edges * edges - edges - sharing  # and of edges that have none in common
    own = np.bincount(kinds, minlength=n_kinds).astype(np.float64)
    a, b = own[:, None], own[None, :]

    mean = 2 * edges * _ratio(a * b, n, 2)
    square = (
        mean
        + sharing * _ratio(a * b * (a + b - 2), n, 3)
        + apart * _ratio(4 * a * (a - 1) * b * (b - 1), n, 4)
    )
    same = np.diag_indices(n_kinds)
    mean[same] = edges * _ratio(_falling(own, 2), n, 2)
    square[same] = (
        mean[same]
        + sharing * _ratio(_falling(own, 3), n, 3)
        + apart * _ratio(_falling(own, 4), n, 4)
    )
    return Counts(observed, mean, _deviation(square, mean))


def touching(graph, kinds, n_kinds):
    """Cells of a kind (rows) that touch at least one of another (columns) or of their own.

    Parameters
    ----------
    graph, kinds, n_kinds
        See :func:`joins`.

    Returns
    -------
    Counts
    """
    n = len(kinds)
    indicator = _indicator(kinds, n_kinds)
    observed = (indicator.T @ ((graph @ indicator) > 0).astype(np.float64)).toarray()
    own = np.bincount(kinds, minlength=n_kinds).astype(np.float64)
    degree = np.diff(graph.indptr)
    same = np.diag_indices(n_kinds)

    # of the cells that touch none mean and square are sums over what lies around one and two cells
    around = np.bincount(degree)
    alone = _none(n - 1, own, len(around)) @ around
    lonely = own[:, None] * alone[None, :] / n
    lonely[same] = own / n * (_none(n - 1, own - 1, len(around)) @ around)

    loose, joined = _around_two(graph, degree)
    both = _none(n - 2, own, len(loose)) @ (loose + joined)
    square = lonely + _ratio(_falling(own, 2), n, 2)[:, None] * both[None, :]
    # two cells of a kind that are joined touch their own
    both = _none(n - 2, own - 2, len(loose)) @ loose
    square[same] = lonely[same] + _ratio(_falling(own, 2), n, 2) * both
    return Counts(observed, own[:, None] - lonely, _deviation(square, lonely))


def _indicator(kinds, n_kinds):
    return sp.csr_matrix(
        (np.ones(len(kinds)), kinds, np.arange(len(kinds) + 1)), (len(kinds), n_kinds)
    )


def _between(graph, kinds, n_kinds):
    indicator = _indicator(kinds, n_kinds)
    return (indicator.T @ (graph @ indicator)).toarray().astype(np.float64)


def _falling(x, k):
    return np.prod([x - i for i in range(k)], axis=0)


def _ratio(x, n, k):
    """Share of the ordered choices of k of n cells; none where there are fewer."""
    return x / _falling(float(n), k) if n >= k else np.zeros_like(x)


def _deviation(square, mean):
    variance = square - mean**2
    # what rounding leaves of a count that cannot vary
    return np.sqrt(np.where(variance > 1e-9 * np.maximum(square, 1), variance, 0))


def _none(n, marked, most):
    """Chance that of u cells of n none is marked, for u below ``most``; array (kinds, most)."""
    u = np.arange(most - 1)
    left = np.maximum(n - np.maximum(marked, 0)[:, None] - u, 0)
    chance = np.cumprod(left / np.maximum(n - u, 1), axis=1)
    return np.hstack([np.ones((len(marked), 1)), chance])


def _around_two(graph, degree):
    """Ordered pairs of cells by how many others touch either, those apart and those joined."""
    around = np.bincount(degree)
    pairs = np.convolve(around, around).astype(np.float64)
    np.subtract.at(pairs, 2 * degree, 1)  # a cell is no pair
    graph = graph.astype(np.float64)
    shared = graph @ graph
    shared = shared - sp.diags(shared.diagonal())
    # pairs that share cells or are joined: n + 1 marks those joined
    near = (shared + (len(degree) + 1) * graph).tocoo()
    at, joined = degree[near.row] + degree[near.col], near.data > len(degree)
    common = near.data - (len(degree) + 1) * joined
    size = (at - common - 2 * joined).astype(np.int64)
    pairs -= np.bincount(at, minlength=len(pairs))
    apart = pairs + np.bincount(size[~joined], minlength=len(pairs))
    return apart, np.bincount(size[joined], minlength=len(pairs)).astype(np.float64)
