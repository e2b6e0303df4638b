"""Weighted nearest neighbours: the formulas on dense matrices, and what they are good for."""

from dataclasses import replace

import numpy as np
import pytest
from planted import cells_of, run
from sklearn.metrics import adjusted_rand_score

from spclust.neighbours import wnn
from spclust.neighbours.knn import nearest


def halves(seed=0, n=240):
    """Four types; one modality tells the first two pairs apart, the other the types in a pair."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(4, size=n)
    coarse, fine = rng.normal(size=(n, 5)), rng.normal(size=(n, 5))
    coarse[:, 0] += 8 * (truth // 2)
    fine[:, 0] += 8 * (truth % 2)
    return coarse.astype(np.float32), fine.astype(np.float32), truth


def both(coarse, fine):
    one = cells_of(coarse)
    names = [f"f{j}" for j in range(fine.shape[1])]
    return replace(
        one,
        features={"rna": coarse, "adt": fine},
        names={"rna": one.names["protein"], "adt": np.array(names, dtype=object)},
        preprocessing={m: {"settings": {}, "constants": {}} for m in ("rna", "adt")},
    )


def dense(spaces, k):
    """Bandwidths, weights and weighted affinities of all pairs, cell by cell."""
    n = len(spaces[0])
    gaps = [np.linalg.norm(x[:, None] - x, axis=2) for x in spaces]
    lists = [[set(row) for row in nearest(x, k)] for x in spaces]
    closest = [np.where(np.eye(n), np.inf, gap).min(1) for gap in gaps]
    sigmas = np.empty((2, n))
    for m in range(2):
        for i in range(n):
            own = lists[m][i]
            shared = [
                (len(own & lists[m][j]) / len(own | lists[m][j]), -gaps[m][i, j])
                for j in range(n)
                if j != i
            ]
            least = sorted(pair for pair in shared if pair[0] > 0)[:20]
            sigmas[m, i] = np.mean([-gap for _, gap in least])

    def theta(m, i, d):
        return np.exp(-max(d - closest[m][i], 0) / (sigmas[m][i] - closest[m][i]))

    weights = np.empty((n, 2))
    for i in range(n):
        ratio = []
        for m in range(2):
            by = [
                theta(m, i, np.linalg.norm(spaces[m][i] - spaces[m][list(near[i])].mean(0)))
                for near in lists
            ]
            ratio.append(min(by[m] / (by[1 - m] + 1e-4), 200))
        weights[i] = np.exp(ratio) / np.exp(ratio).sum()
    pairs = np.array(
        [
            [sum(weights[i, m] * theta(m, i, gaps[m][i, j]) for m in range(2)) for j in range(n)]
            for i in range(n)
        ]
    )
    return sigmas, weights, pairs


def test_it_is_the_papers_formula():
    spaces = [x.astype(float) for x in halves(n=60)[:2]]
    sigmas, weights, pairs = dense(spaces, 6)
    for m, x in enumerate(spaces):
        np.testing.assert_allclose(wnn.bandwidths(x, nearest(x, 6)), sigmas[m], rtol=1e-9)
    graph, found = wnn.joint_graph(spaces, 6)
    np.testing.assert_allclose(found, weights, rtol=1e-8)
    np.fill_diagonal(pairs, -1)
    wanted = [set(row[:6]) for row in np.argsort(-pairs, axis=1)]
    edges = {(i, j) for i, near in enumerate(wanted) for j in near}
    # float32 leaves out edges of next to no weight
    stored = set(zip(*graph.nonzero()))
    assert stored <= edges | {(j, i) for i, j in edges} and len(stored) > 0.9 * len(edges)
    assert abs(graph - graph.T).max() < 1e-6


@pytest.mark.parametrize("block", [7, 1000])
def test_blocks_change_nothing(monkeypatch, block):
    spaces = halves(n=60)[:2]
    graph, weights = wnn.joint_graph(spaces, 6)
    monkeypatch.setattr(wnn, "BLOCK", block)
    again = wnn.joint_graph(spaces, 6)
    assert abs(graph - again[0]).max() < 1e-12 and np.allclose(weights, again[1])


def test_two_modalities_tell_what_neither_does():
    coarse, fine, truth = halves()
    together = run("wnn", both(coarse, fine), n_clusters=4)
    alone = [
        adjusted_rand_score(truth, run("wnn", cells_of(one), n_clusters=4).labels)
        for one in (coarse, fine)
    ]
    assert adjusted_rand_score(truth, together.labels) > max(alone) + 0.2
    weights = together.per_cell["modality_weights"]
    assert weights.columns.tolist() == ["rna", "adt"] and np.allclose(weights.sum(axis=1), 1)


def test_a_modality_of_noise_weighs_less():
    coarse, _, _ = halves()
    types = coarse + 8 * (np.arange(5) == np.random.default_rng(1).integers(5, size=(240, 1)))
    noise = np.random.default_rng(2).normal(size=(240, 5))
    _, weights = wnn.joint_graph([types, noise], 15)
    assert weights[:, 0].mean() > 0.6


def test_few_cells_and_cells_at_one_point():
    cells = both(np.zeros((6, 2), np.float32), np.arange(12, dtype=np.float32).reshape(6, 2))
    assert set(run("wnn", cells, n_clusters=2).labels) == {0, 1}
