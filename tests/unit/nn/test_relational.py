"""Terms over all pairs of two views: the dense formula's value and gradient, without its matrix."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from spclust.methods.scrcl import view_divergence as divergence
from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn import relational
from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.pairwise import Blocks

N, D = 40, 5
SLICES = np.array([2, 0, 1, 0, 2] * 8)


def views(seed=0, unit=False):
    """Two views that resemble each other, in double precision."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(N, D))
    pair = [a, a + 0.5 * rng.normal(size=(N, D))]
    return [v / np.linalg.norm(v, axis=1, keepdims=True) for v in pair] if unit else pair


def edges():
    return with_self_loops(knn_graph(np.random.default_rng(1).random((N, 2)), np.zeros(N), 4))


@pytest.fixture
def graph():
    return Neighbourhoods.from_scipy(edges())


def unit(v):
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def dense_telescope(a, b):
    s = unit(a) @ unit(b).T
    return ((s - s.T) ** 2).mean()


def dense_consistency(a, b):
    return ((unit(a) @ unit(b).T - edges().toarray()) ** 2).mean()


def softmax(v, axis=None):
    e = np.exp(v - v.max())
    return e / e.sum(axis=axis, keepdims=axis is not None)


def divergences(p, q):
    """KL both ways of each row of p and each of q."""
    p, q = p[:, None], q[None]
    return (p * np.log(p / q) + q * np.log(q / p)).sum(-1)


def dense_alignment(a, b, t=0.7):
    p, q = softmax(a / t), softmax(b / t)
    whole = (p * np.log(p / q) + q * np.log(q / p)).sum()
    return whole + divergences(softmax(a / t, 1), softmax(b / t, 1)).diagonal().mean() / 2


def dense_contrast(a, b, t=0.7):
    kappa, near = divergences(softmax(a / t, 1), softmax(b / t, 1)), edges().toarray()
    of_neighbours = (kappa * near).sum(1) / near.sum(1)
    of_others = (kappa.sum(1) - kappa.diagonal()) / (N - 1)
    return (of_neighbours / of_others).mean()


def dense_scale(a, b, k=4, itself=False, rows=range(N)):
    s, total = unit(a) @ unit(b).T, 0
    for i in rows:

        def top(which):
            there = (SLICES == which) & ((np.arange(N) != i) | (which != SLICES[i]) | itself)  # noqa: B023
            return np.sort(s[i, there])[::-1][:k].mean()  # noqa: B023

        total += sum((top(SLICES[i]) - top(j)) ** 2 for j in range(3) if j != SLICES[i])
    return total / len(rows)


def scale(a, b, k=4, itself=False, rows=None, entries=None):
    rows = None if rows is None else torch.tensor(rows)
    return relational.scale_matching(
        a, b, torch.from_numpy(SLICES), k, itself, rows, Blocks(entries)
    )


def against(function, dense, **same):
    """Value, and gradient by central differences of the dense formula, both views'."""
    tensors = [torch.tensor(v, requires_grad=True) for v in views()]
    found = function(*tensors, **same)
    found.backward()
    assert found.item() == pytest.approx(dense(*views()), rel=1e-9)
    rng = np.random.default_rng(2)
    for which in range(2):
        direction, step = rng.normal(size=(N, D)), 1e-6
        ends = []
        for sign in (1, -1):
            moved = views()
            moved[which] = moved[which] + sign * step * direction
            ends.append(dense(*moved))
        along = (tensors[which].grad.numpy() * direction).sum()
        assert along == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-9)


def double(graph):
    """The graph with weights in double precision."""
    return Neighbourhoods(graph.edge_index, graph.indptr, graph.weight.double(), N)


def test_the_telescope_equals_its_definition():
    against(relational.relational_consistency, dense_telescope)


def test_consistency_with_a_graph_equals_its_definition(graph):
    def ours(a, b):
        normalized = (torch.nn.functional.normalize(v, dim=1) for v in (a, b))
        return relational.graph_consistency(*normalized, double(graph))

    against(ours, dense_consistency)


def test_alignment_equals_its_definition():
    against(lambda a, b: divergence.distribution_alignment(a, b, 0.7), dense_alignment)


def test_contrast_of_neighbours_equals_its_definition(graph):
    ours = lambda a, b: divergence.neighbourhood_contrast(a, b, double(graph), 0.7)  # noqa: E731
    against(ours, dense_contrast)


@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize("k", [1, 4, 50])
@pytest.mark.parametrize("entries", [30, None])
def test_matching_of_scales_equals_its_definition(k, itself, entries):
    against(
        lambda a, b: scale(a, b, k, itself, entries=entries),
        lambda a, b: dense_scale(a, b, k, itself),
    )


def test_anchors_look_at_all_cells():
    rows = [3, 8, 17, 30, 39]
    against(lambda a, b: scale(a, b, rows=rows), lambda a, b: dense_scale(a, b, rows=rows))
    a, b = map(torch.tensor, views())
    every = [scale(a, b, rows=[i]).item() for i in range(N)]
    assert np.mean(every) == pytest.approx(scale(a, b).item())


def test_one_slice_or_a_slice_of_one_cell_gives_nothing_to_match():
    a, b = (torch.tensor(v, requires_grad=True) for v in views())
    assert relational.scale_matching(a, b, torch.zeros(N, dtype=torch.long), 5).item() == 0
    alone = torch.zeros(N, dtype=torch.long)
    alone[7] = 1
    value = relational.scale_matching(a, b, alone, 5)
    value.backward()
    # the lone cell has no others of its slice, those of the large one look at it
    assert value.item() > 0 and torch.isfinite(a.grad).all() and not a.grad[7].any()


def test_a_column_left_out_is_not_among_the_most_similar():
    a, b = map(torch.tensor, views())
    exclude = torch.arange(N)
    exclude[::3] = -1
    found = relational.most_similar(a, b, 6, exclude, Blocks(100))
    s = (a @ b.t()).numpy()
    left_out = exclude.numpy() >= 0
    s[np.flatnonzero(left_out), np.flatnonzero(left_out)] = -np.inf
    expected = np.argsort(-s, axis=1)[:, :6]
    assert np.array_equal(np.sort(found, axis=1), np.sort(expected, axis=1))


@pytest.mark.parametrize("gap", [1e-1, 1e-3])
def test_single_precision_holds_where_views_nearly_agree(gap):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(500, 16)).astype(np.float32)
    b = a + np.float32(gap) * rng.normal(size=a.shape).astype(np.float32)
    found = relational.relational_consistency(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert found == pytest.approx(dense_telescope(a.astype(float), b.astype(float)), rel=2e-3)


def test_a_large_slice_needs_no_matrix_of_its_pairs():
    n = 200_000  # 160 GB each
    rng = np.random.default_rng(0)
    z = [torch.tensor(rng.normal(size=(n, 3)), dtype=torch.float32) for _ in range(2)]
    ring = sp.diags([np.ones(n - 1), np.ones(n), np.ones(n - 1)], [-1, 0, 1], dtype=np.float32)
    ring, anchors = Neighbourhoods.from_scipy(ring.tocsr()), torch.arange(20)
    assert relational.relational_consistency(*z).item() > 0.1
    assert relational.graph_consistency(*z, ring).item() > 0.1
    assert divergence.neighbourhood_contrast(*z, ring, 1.0).item() > 0.9
    slices = torch.arange(n) % 3
    assert relational.scale_matching(*z, slices, 5, anchors=anchors).item() >= 0
