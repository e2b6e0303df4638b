"""Sums over pairs: equal to the dense formula, whatever the blocks and the lengths of the rows."""

import numpy as np
import pytest
import torch

from spclust.nn import pairwise
from spclust.nn.pairwise import Blocks, row_logsumexp, softplus_sum


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tensor(x):
    return torch.tensor(x, dtype=torch.float32, requires_grad=True)


def relative(found, expected):
    return np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("size", [1.0, 30.0])
def test_rows_of_very_different_length_lose_nothing(rng, size):
    """Short rows beside long ones are where a shift by the bound alone would underflow."""
    a = rng.normal(size=(200, 6)) * np.where(np.arange(200) % 2, size, 1e-3)[:, None]
    x, reference = tensor(a), torch.tensor(a, requires_grad=True)
    weight = torch.full((200,), 1 / 200)
    found = row_logsumexp(x, x, weight)
    expected = (reference @ reference.t()).logsumexp(1).mean()
    found.backward()
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative(x.grad, reference.grad.numpy()) < 1e-5


@pytest.mark.parametrize("entries", [60, 500, None])
def test_the_sum_of_softplus_equals_the_dense_sum(rng, entries):
    a, b = rng.normal(size=(50, 4)), rng.normal(size=(60, 4))
    x, y = tensor(a), tensor(b)
    dense = [torch.tensor(v, requires_grad=True) for v in (a, b)]
    found = softplus_sum(x, y, Blocks(entries))
    expected = torch.nn.functional.softplus(dense[0] @ dense[1].t()).sum()
    found.backward()
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative(x.grad, dense[0].grad.numpy()) < 1e-5
    assert relative(y.grad, dense[1].grad.numpy()) < 1e-5


def test_memory_that_runs_out_means_smaller_blocks_for_this_training_only(rng, monkeypatch, caplog):
    before = dict(pairwise.BLOCK_ENTRIES)
    x, weight = tensor(rng.normal(size=(300, 8))), torch.full((300,), 1 / 300)
    expected = row_logsumexp(x, x, weight).item()
    real = torch.Tensor.new_empty

    def small_memory(self, *shape, **options):
        if np.prod(shape) > 20_000:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, *shape, **options)

    monkeypatch.setattr(torch.Tensor, "new_empty", small_memory)
    blocks = Blocks(1 << 16)
    for _ in range(2):  # the second call has learnt from the first
        found = row_logsumexp(x, x, weight, blocks=blocks)
        assert found.item() == pytest.approx(expected, rel=1e-6)
    assert [r.getMessage() for r in caplog.records] == [
        f"out of memory on the cpu device: blocks of {n} entries from here on"
        for n in (1 << 15, 1 << 14)
    ]
    assert blocks.entries == 1 << 14 and Blocks().entries is None
    assert before == pairwise.BLOCK_ENTRIES


def test_memory_that_is_too_short_for_the_smallest_block_is_an_error(rng, monkeypatch):
    def no_memory(self, *shape, **options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    x, weight = tensor(rng.normal(size=(30, 8))), torch.full((30,), 1 / 30)
    monkeypatch.setattr(torch.Tensor, "new_empty", no_memory)
    with pytest.raises(torch.OutOfMemoryError):
        row_logsumexp(x, x, weight)
