"""Weights and errors of modalities."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from references import numeric_gradient

from spclust.errors import UserError
from spclust.methods.task import Task
from spclust.nn.modalities import squared_error, weights_in


def weights(value, needed=False):
    cells = SimpleNamespace(features={"rna": None, "adt": None})
    return weights_in(Task(cells, 3, 0, {"w": value}, "a"), "w", needed)


def test_weights_are_one_number_or_by_name():
    assert weights(5) == [5, 5]
    assert weights({"adt": 3, "atac": 9}) == [1, 3]
    for nothing in (0, {"rna": 0, "adt": 0}):
        assert weights(nothing) == [0, 0]
        with pytest.raises(UserError, match=r"method\.a\.w: every modality.*write e\.g\.  w: 1"):
            weights(nothing, needed=True)


def test_the_squared_error_against_a_sum():
    rng = np.random.default_rng(0)
    x, y = [rng.normal(size=(5, d)) for d in (3, 2)], [rng.normal(size=(5, d)) for d in (3, 2)]
    of_cells = rng.uniform(0.5, 2, 5)

    def reference(first):
        errors = [(a - b) ** 2 * of_cells[:, None] for a, b in zip(x, [first, y[1]])]
        return 2 * errors[0].mean() + 0.5 * errors[1].mean()

    decoded = [torch.from_numpy(v).requires_grad_() for v in y]
    loss = squared_error(
        [torch.from_numpy(v) for v in x], decoded, [2, 0.5], torch.from_numpy(of_cells)
    )
    loss.backward()
    assert loss.item() == pytest.approx(reference(y[0]))
    np.testing.assert_allclose(decoded[0].grad, numeric_gradient(reference, y[0]), atol=1e-7)
