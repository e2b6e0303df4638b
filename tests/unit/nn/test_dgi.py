"""Deep graph infomax: the shuffle, the loss and the cosine term against NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spclust.nn import dgi


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(0, 1000))
def test_a_shuffle_is_a_permutation_within_groups(groups, seed):
    groups = np.array(groups)
    order = dgi.shuffled_within(groups, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(groups)))
    assert (groups[order] == groups).all()


def test_a_shuffle_moves_cells_anywhere_in_their_image():
    groups = np.array(["b", "a"] * 3)
    rng = np.random.default_rng(0)
    seen = {(i, int(j)) for _ in range(200) for i, j in enumerate(dgi.shuffled_within(groups, rng))}
    assert len(seen) == 2 * 3 * 3


@pytest.fixture
def embeddings():
    rng = np.random.default_rng(0)
    return rng.normal(size=(9, 4)), rng.normal(size=(9, 4))


def test_infomax_equals_the_mean_cross_entropy(embeddings):
    positive, negative = embeddings
    torch.manual_seed(0)
    discriminator = dgi.Discriminator(4).double()
    w = discriminator.weight.detach().numpy()

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    summary = sigmoid(positive.mean(0))
    true, fake = (sigmoid(z @ w @ summary) for z in (positive, negative))
    expected = -np.log(true).mean() - np.log(1 - fake).mean()
    got = dgi.infomax(*map(torch.from_numpy, embeddings), discriminator)
    np.testing.assert_allclose(got.item(), expected, rtol=1e-10)


def test_infomax_of_certain_errors_stays_finite(embeddings):
    positive, negative = (torch.from_numpy(z) for z in embeddings)
    loss = dgi.infomax(positive, negative, lambda z, s: z.sum(1) * 0 - 1e4)
    assert 1e3 < loss.item() < 1e5


def test_cosine_separation_equals_its_definition(embeddings):
    positive, negative = embeddings
    norms = np.linalg.norm(positive, axis=1) * np.linalg.norm(negative, axis=1)
    cosine = (positive * negative).sum(1) / norms
    got = dgi.cosine_separation(*map(torch.from_numpy, embeddings), floor=0.0)
    np.testing.assert_allclose(got.item(), -np.log(1 - cosine).mean(), rtol=1e-10)


@pytest.mark.parametrize("gap", [0.0, 1e-8, 1e-4, 1e-2])
def test_a_corrupted_twin_raises_no_spike(gap):
    z = torch.tensor([[1.0, 2.0]], requires_grad=True)
    twin = torch.tensor([[1.0 + gap, 2.0]])
    loss = dgi.cosine_separation(z, twin)
    loss.backward()
    assert 0 < loss.item() < 7 and z.grad.norm() < 25
