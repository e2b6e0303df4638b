"""The denoising autoencoder and its likelihoods."""

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from spclust.errors import UserError
from spclust.nn.autoencoder import DenoisingAutoencoder, Gaussian, zinb_log_probability
from spclust.nn.gradient_step import descend


def test_zinb_equals_scipys_negative_binomial_with_extra_zeros():
    x = np.array([0.0, 0, 1, 3, 40])
    mean, dispersion = np.array([0.2, 7, 2, 3, 30]), np.array([0.5, 20, 1, 100, 4])
    extra = np.array([0.1, 0.6, 0.3, 0.01, 0.9])
    counted = nbinom.pmf(x, dispersion, dispersion / (dispersion + mean))
    expected = np.log(np.where(x == 0, extra, 0) + (1 - extra) * counted)
    logit = np.log(extra / (1 - extra))
    got = zinb_log_probability(*map(torch.from_numpy, (x, mean, dispersion, logit)))
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_zinb_stays_finite_at_its_bounds():
    corners = torch.cartesian_prod(
        torch.tensor([0.0, 1e5]),
        torch.tensor([1e-5, 1e6]),
        torch.tensor([1e-4, 1e4]),
        torch.tensor([-80.0, 80.0]),
    ).requires_grad_()
    value = zinb_log_probability(*corners.unbind(1))
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(corners.grad).all()


def test_the_gaussian_learns_mean_and_variance_of_each_protein():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=g) * torch.tensor([0.5, 3.0]) + torch.tensor([1.0, -2.0])
    likelihood, hidden = Gaussian(1, 2), torch.zeros(4000, 1)
    for lr in (0.05, 0.005):
        optimiser = torch.optim.Adam(likelihood.parameters(), lr=lr)
        for _ in range(300):
            descend(optimiser, likelihood.loss(hidden, x, None), "")
    torch.testing.assert_close(likelihood.mean.bias.detach(), x.mean(0), atol=0.02, rtol=0.02)
    learnt = likelihood.log_variance.detach().exp()
    torch.testing.assert_close(learnt, x.var(0), atol=0, rtol=0.05)


def test_noise_is_for_training_only():
    torch.manual_seed(0)
    model, x = DenoisingAutoencoder(6, [8, 4, 2], 2.5, "gaussian"), torch.randn(20, 6)
    assert torch.equal(model.encode(x), model.encode(x))
    assert model.encode(x).shape == (20, 2) and (model.encode(x) < 0).any()
    losses = [model.loss(x, x, None, torch.Generator().manual_seed(s)).item() for s in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_a_loss_that_is_no_number_is_told_with_its_remedy():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    with pytest.raises(UserError, match="the loss became nan in training; lower lr"):
        descend(optimiser, (weight / weight).sum(), "lower lr")
    assert weight.item() == 0
    assert descend(optimiser, (2 * weight + 3).sum(), "") == 3 and weight.item() == -2
