"""Attention over views: weights of each cell, of one view itself, no view's order matters."""

import numpy as np
import pytest
import torch

from spclust.nn.view_attention import ViewAttention


@pytest.fixture
def attention():
    return ViewAttention(4).double()


def test_values_and_gradients_against_a_loop(attention):
    views = [torch.randn(6, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    fused, weights = attention(views)
    inner, outer = attention.inner.detach().numpy(), attention.outer.detach().numpy()
    for i in range(6):
        rows = np.array([view[i].detach().numpy() for view in views])
        scores = np.exp(np.tanh(rows @ inner) @ outer).ravel()
        np.testing.assert_allclose(weights[i].detach(), scores / scores.sum())
        np.testing.assert_allclose(fused[i].detach(), scores / scores.sum() @ rows)
    assert torch.autograd.gradcheck(lambda *v: attention(v)[0], views)


def test_one_view_is_itself(attention):
    view = torch.randn(5, 4, dtype=torch.float64)
    fused, weights = attention([view])
    assert torch.equal(fused, view) and torch.equal(weights, torch.ones_like(weights))


def test_weights_sum_to_one_and_go_with_their_view(attention):
    a, b = torch.randn(2, 5, 4, dtype=torch.float64)
    (fused, weights), (again, turned) = attention([a, b]), attention([b, a])
    assert torch.allclose(weights.sum(1), torch.ones(5, dtype=torch.float64))
    assert torch.allclose(fused, again) and torch.allclose(weights, turned.flip(1))
