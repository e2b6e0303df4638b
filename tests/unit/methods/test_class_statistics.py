"""Running statistics of classes: those of all cells at once, or moving means; augmentation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust.methods.crct.class_statistics import (
    ClassStatistics,
    batch_statistics,
    inverse_frequency,
)


def steps(seed, count=3, n=30, c=4, d=2):
    """Cells and labels of a few steps; the last class is never met."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(c - 1, size=(count, n))
    x = rng.normal(size=(count, n, d)) + rng.normal(size=(count, 1, d)) + labels[..., None]
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(labels)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_cumulative_statistics_are_those_of_all_cells_at_once(seed, count):
    x, labels = steps(seed, count)
    running = ClassStatistics(4, 2, None)
    for z, y in zip(x, labels):
        running.update(z, y)
    cells, classes = x.reshape(-1, 2).numpy().astype(np.float64), labels.reshape(-1).numpy()
    for k in range(3):
        own = cells[classes == k]
        assert running.sizes[k] == len(own)
        if len(own):
            np.testing.assert_allclose(running.means[k], own.mean(0), atol=1e-4)
            np.testing.assert_allclose(running.variances[k], own.var(0), atol=1e-4)
    assert not running.variances[3].any() and running.sizes[3] == 0


def test_moving_statistics_weigh_the_past_as_the_memory_says():
    x, labels = steps(1)
    running, memory = ClassStatistics(4, 2, 0.7), 0.7
    for z, y in zip(x, labels):
        running.update(z, y)
    for k in range(3):
        own = [z[y == k].numpy().astype(np.float64) for z, y in zip(x, labels)]
        mean, variance = own[0].mean(0), own[0].var(0)
        for cells in own[1:]:
            between = memory * (1 - memory) * (mean - cells.mean(0)) ** 2
            variance = memory * variance + (1 - memory) * cells.var(0) + between
            mean = memory * mean + (1 - memory) * cells.mean(0)
        np.testing.assert_allclose(running.means[k], mean, atol=1e-5)
        np.testing.assert_allclose(running.variances[k], variance, atol=1e-5)


@pytest.mark.parametrize("memory", [None, 0.9])
def test_an_absent_class_stays_and_a_forgotten_one_starts_anew(memory):
    x, labels = steps(2)
    running = ClassStatistics(4, 2, memory)
    running.update(x[0], labels[0])
    before = {name: value.clone() for name, value in running.state_dict().items()}
    running.update(x[1], torch.ones_like(labels[1]))
    for name, value in running.state_dict().items():
        assert torch.equal(value[[0, 2, 3]], before[name][[0, 2, 3]])
        assert not torch.equal(value[1], before[name][1])
    running.forget(torch.tensor([True, True, False, False]))
    running.update(x[2], torch.zeros_like(labels[2]))
    _, means, variances = batch_statistics(x[2], torch.zeros_like(labels[2]), 4)
    assert torch.allclose(running.means[0], means[0])
    assert torch.allclose(running.variances[0], variances[0])
    assert not running.sizes[1]


def test_statistics_are_no_way_for_gradients():
    x, labels = steps(3)
    running, z = ClassStatistics(4, 2, None), x[0].clone().requires_grad_()
    running.update(z, labels[0])
    noise = torch.randn(30, 2)
    moved = running.augmented(z, labels[0], 0.5, noise)
    deviation = running.variances.sqrt()[labels[0]]
    assert torch.allclose(moved, x[0] + 0.5 * deviation * noise)
    moved.sum().backward()
    assert torch.equal(z.grad, torch.ones_like(z))


def test_augmented_cells_vary_as_their_class_does():
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(np.repeat([0, 1], 4000))
    spread = np.array([[1.0, 0.1], [0.2, 2.0]])[labels]
    z = torch.from_numpy((rng.normal(size=(8000, 2)) * spread).astype(np.float32))
    running = ClassStatistics(2, 2, None)
    running.update(z, labels)
    moved = running.augmented(z, labels, 0.5, torch.randn(8000, 2)) - z
    for k in range(2):
        np.testing.assert_allclose(moved[labels == k].std(0), 0.5 * spread[4000 * k], rtol=0.06)
    assert torch.equal(running.augmented(z, labels, 0.0, torch.randn(8000, 2)), z)


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(any))
def test_by_inverse_frequency_every_class_counts_alike(sizes):
    labels = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes))
    weights = inverse_frequency(labels, len(sizes))
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    totals = [weights[labels == k].sum().item() for k, size in enumerate(sizes) if size]
    np.testing.assert_allclose(totals, totals[0], rtol=1e-5)
