"""The contrast of two augmented views against a dense float64 reference."""

import numpy as np
import pytest
import torch

from spclust.nn import grace


def dense_loss(h1, h2, temperature):
    """Definition with all n x n products, in float64."""

    def one_way(u, v):
        between, within = (torch.exp(u @ w.t() / temperature) for w in (v, u))
        positive = between.diagonal()
        others = between.sum(1) - positive + within.sum(1) - within.diagonal()
        return -torch.log(positive / (positive + others))

    return 0.5 * (one_way(h1, h2) + one_way(h2, h1))


def views(n=60, d=8):
    g = torch.Generator().manual_seed(0)
    a = torch.randn(n, d, generator=g, dtype=torch.float64)
    b = a + 0.5 * torch.randn(n, d, generator=g, dtype=torch.float64)
    return [torch.nn.functional.normalize(h, dim=1) for h in (a, b)]


@pytest.mark.parametrize("temperature", [0.05, 0.4, 2.0])
@pytest.mark.parametrize("rows", [None, torch.tensor([3, 50, 17, 8])])
def test_value_and_gradient_equal_the_dense_reference(temperature, rows):
    exact = [h.clone().requires_grad_() for h in views()]
    losses = dense_loss(*exact, temperature)
    expected = losses.mean() if rows is None else losses[rows].mean()
    expected_gradients = torch.autograd.grad(expected, exact)
    single = [h.float().requires_grad_() for h in views()]
    got = grace.grace_loss(*single, temperature, rows)
    gradients = torch.autograd.grad(got, single)
    assert abs(got.item() - expected.item()) < 1e-5
    for ours, reference in zip(gradients, expected_gradients, strict=True):
        assert (ours - reference).abs().max() < 1e-5


def test_a_very_low_temperature_does_not_overflow():
    loss = grace.grace_loss(*(h.float() for h in views()), 0.001)
    assert torch.isfinite(loss)


def test_masked_features_are_the_same_in_all_cells():
    x = torch.ones(5, 200)
    masked = grace.mask_features(x, 0.4, torch.Generator().manual_seed(0))
    kept = masked[0] == 1
    assert (masked == kept).all() and 100 < kept.sum() < 140
    assert np.array_equal(masked, grace.mask_features(x, 0.4, torch.Generator().manual_seed(0)))
