"""Closed forms of contacts by chance against labels dealt out anew."""

from itertools import permutations

import numpy as np
import pytest
import scipy.sparse as sp

from spclust.neighbours import contacts
from spclust.neighbours.spatial import delaunay_graph, radius_graph

TIMES, K = 10_000, 3


def graph_of(kind, n=60):
    places = np.random.default_rng(0).uniform(0, 100, (n, 2))
    if kind == "delaunay":
        return delaunay_graph(places, np.zeros(n))
    return radius_graph(places, np.zeros(n), 14)


@pytest.fixture(scope="module")
def kinds():
    return np.repeat(np.arange(K), [30, 24, 6])


def dealt(count, graph, kinds):
    """Mean and deviation of what is counted over permutations."""
    rng = np.random.default_rng(1)
    observed = np.array([count(graph, rng.permutation(kinds)) for _ in range(TIMES)])
    sd = observed.std(axis=0)
    return observed.mean(axis=0), sd


def joins_one_by_one(graph, kinds):
    edges = sp.triu(graph).tocoo()
    a, b = np.sort([kinds[edges.row], kinds[edges.col]], axis=0)
    return np.bincount(a * K + b, minlength=K * K).reshape(K, K)


def touching_one_by_one(graph, kinds):
    near = graph.toarray() > 0
    touches = np.array([near[:, kinds == b].any(axis=1) for b in range(K)])
    return np.array([[touches[b, kinds == a].sum() for b in range(K)] for a in range(K)])


@pytest.mark.parametrize("kind", ["delaunay", "radius"])
@pytest.mark.parametrize(
    "exact, count, pairs",
    [
        (contacts.joins, joins_one_by_one, np.triu_indices(K)),
        (contacts.touching, touching_one_by_one, np.indices((K, K)).reshape(2, -1)),
    ],
)
def test_mean_and_deviation_are_those_of_10000_permutations(kind, exact, count, pairs, kinds):
    graph, pairs = graph_of(kind), tuple(pairs)
    found = exact(graph, kinds, K)
    np.testing.assert_array_equal(found.observed[pairs], count(graph, kinds)[pairs])
    mean, sd = dealt(count, graph, kinds)
    off = np.abs(mean - found.expected)[pairs] / (found.sd[pairs] / np.sqrt(TIMES))
    assert (off < 4).all(), off
    often = found.expected[pairs] >= 3
    np.testing.assert_allclose(sd[pairs][often], found.sd[pairs][often], rtol=0.03)
    np.testing.assert_allclose(sd[pairs], found.sd[pairs], rtol=0.1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_all_of_a_few_cells_are_counted_through(n):
    joined = 1 - np.eye(n)
    joined[0, -1] = joined[-1, 0] = 0
    graph = sp.csr_matrix(joined)
    kinds = np.arange(n) % 2
    for exact in (contacts.joins, contacts.touching):
        found = exact(graph, kinds, K)
        every = np.array([exact(graph, np.array(p), K).observed for p in permutations(kinds)])
        np.testing.assert_allclose(found.expected, every.mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(found.sd, every.std(axis=0), atol=1e-6)


def test_cells_of_one_kind_or_without_contacts_cannot_vary(kinds):
    one = contacts.joins(graph_of("delaunay"), np.zeros(60, int), 2)
    assert one.observed[0, 0] == one.expected[0, 0] == graph_of("delaunay").nnz / 2
    assert not one.sd.any() and not contacts.touching(graph_of("radius"), kinds * 0, 2).sd.any()
    for exact in (contacts.joins, contacts.touching):
        none = exact(sp.csr_matrix((60, 60)), kinds, K)
        assert not np.any([none.observed, none.expected, none.sd])
