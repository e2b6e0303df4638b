"""Hidden cells: as many as asked, drawn from the generator alone, errors over them only."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust.methods.spamca import masking


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 60), share=st.floats(0, 0.95), seed=st.integers(0, 9))
def test_as_many_cells_are_hidden_as_asked_and_the_same_for_a_seed(n, share, seed):
    rows = masking.masked_rows(n, share, generator(seed))
    assert rows.dtype == torch.bool and len(rows) == n
    assert rows.sum() == (max(1, int(share * n)) if share else 0)
    assert torch.equal(rows, masking.masked_rows(n, share, generator(seed)))


def test_every_cell_is_as_likely_to_be_hidden():
    draws = torch.stack([masking.masked_rows(20, 0.25, generator(i)) for i in range(800)])
    np.testing.assert_allclose(draws.float().mean(0), 0.25, atol=0.06)


def test_hidden_cells_are_zero_and_others_untouched():
    x, rows = torch.randn(6, 3), torch.tensor([True, False, False, True, False, False])
    hidden = masking.hidden(x, rows)
    assert not hidden[rows].any() and torch.equal(hidden[~rows], x[~rows])


@pytest.mark.parametrize("hide", [True, False])
def test_the_error_is_that_of_hidden_cells(hide):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 7, 3))
    rows = np.array([1, 0, 0, 1, 1, 0, 0], dtype=bool) & hide
    among = rows if hide else np.ones(7, dtype=bool)
    guess = torch.from_numpy(y).requires_grad_()
    error = masking.error_of(torch.from_numpy(rows), torch.from_numpy(x), guess)
    error.backward()
    assert error.item() == pytest.approx(((x - y)[among] ** 2).mean())
    expected = np.where(among[:, None], 2 * (y - x) / (3 * among.sum()), 0)
    np.testing.assert_allclose(guess.grad, expected, rtol=1e-9)
