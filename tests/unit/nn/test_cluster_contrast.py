"""Contrasts of clusters against dense references, values and gradients."""

import numpy as np
import pytest
import torch
from references import numeric_gradient

from spclust.nn.cluster_contrast import cluster_contrast, imbalance, prototype_contrast


def of_prototypes(z, labels, centres, temperature):
    """Eq. 13, class by class."""
    terms = []
    for k in np.unique(labels):
        e = np.exp(z @ centres[k] / temperature)
        terms.append(np.log(e[labels == k].mean() / e.mean()))
    return -np.mean(terms)


def of_clusters(p, q, temperature):
    """Contrast of columns and imbalance of sizes, pair by pair."""
    columns, c = np.hstack([p, q]).T, p.shape[1]
    cosine = [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in columns] for a in columns]
    e, total = np.exp(np.array(cosine) / temperature), 0.0
    for i in range(2 * c):
        j = (i + c) % (2 * c)
        total -= np.log(e[i, j] / (e[i].sum() - e[i, i]))
    total /= 2 * c
    for soft in (p, q):
        share = soft.mean(0)
        total += np.log(c) + (share * np.log(share)).sum()
    return total


def soft_labels(rng, n=12, c=3):
    p = rng.dirichlet(np.ones(c), size=n)
    return p / p.sum(1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_prototypes_against_a_loop(temperature):
    rng = np.random.default_rng(0)
    z, centres = rng.normal(size=(15, 3)), rng.normal(size=(4, 3))
    labels = np.repeat([0, 1, 3], 5)  # the third class is empty
    x = torch.from_numpy(z).requires_grad_()
    c = torch.from_numpy(centres).requires_grad_()
    loss = prototype_contrast(x, torch.from_numpy(labels), c, temperature)
    loss.backward()
    assert loss.item() == pytest.approx(of_prototypes(z, labels, centres, temperature))
    expected = numeric_gradient(lambda v: of_prototypes(v, labels, centres, temperature), z)
    np.testing.assert_allclose(x.grad, expected, atol=1e-7)
    assert c.grad is None


def test_large_embeddings_are_no_overflow():
    z = 1e3 * torch.eye(3).repeat(2, 1)
    loss = prototype_contrast(z, torch.arange(3).repeat(2), 1e3 * torch.eye(3), 0.5)
    # each class has all of its prototype: log of the share of its cells
    assert loss.item() == pytest.approx(-np.log(3), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_clusters_of_two_views_against_a_loop(temperature):
    rng = np.random.default_rng(1)
    p, q = soft_labels(rng), soft_labels(rng)
    a, b = (torch.from_numpy(v).requires_grad_() for v in (p, q))
    loss = cluster_contrast(a, b, temperature)
    loss.backward()
    assert loss.item() == pytest.approx(of_clusters(p, q, temperature))
    expected = numeric_gradient(lambda v: of_clusters(v, q, temperature), p)
    np.testing.assert_allclose(a.grad, expected, atol=1e-7)
    expected = numeric_gradient(lambda v: of_clusters(p, v, temperature), q)
    np.testing.assert_allclose(b.grad, expected, atol=1e-7)


def test_agreeing_views_are_better_than_crossed_ones():
    p = torch.eye(3).repeat(4, 1) * 0.9 + 0.1 / 3
    assert cluster_contrast(p, p, 0.5) < cluster_contrast(p, p.roll(1, 1), 0.5)


def test_imbalance_is_nil_for_equal_clusters_and_finite_for_an_empty_one():
    assert imbalance(torch.eye(4).repeat(3, 1)).item() == pytest.approx(0, abs=1e-6)
    one = torch.zeros(5, 4)
    one[:, 0] = 1
    assert imbalance(one).item() == pytest.approx(np.log(4))
    assert cluster_contrast(torch.ones(5, 1), torch.ones(5, 1), 0.5).item() == pytest.approx(0)
