"""Deep embedded clustering against dense NumPy."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from spclust.nn import dec


def reference(z, centres):
    q = np.empty((len(z), len(centres)))
    for i, a in enumerate(z):
        for j, b in enumerate(centres):
            q[i, j] = (1 + np.sum((a - b) ** 2)) ** -1.0
    q /= q.sum(1, keepdims=True)
    p = q**2 / q.sum(0)
    p /= p.sum(1, keepdims=True)
    return q, p, np.sum(p * np.log(p / q)) / len(z)


@given(st.integers(0, 1000), st.integers(2, 30), st.integers(1, 5), st.floats(0.1, 10))
def test_labels_target_and_divergence_equal_the_definition(seed, n, n_clusters, scale):
    rng = np.random.default_rng(seed)
    z, centres = rng.normal(0, scale, size=(n, 4)), rng.normal(0, scale, size=(n_clusters, 4))
    q, p, kl = reference(z, centres)
    got_q = dec.soft_labels(torch.from_numpy(z), torch.from_numpy(centres))
    got_p = dec.target_distribution(got_q)
    np.testing.assert_allclose(got_q, q, rtol=1e-9)
    np.testing.assert_allclose(got_p, p, rtol=1e-9)
    np.testing.assert_allclose(dec.divergence(got_p, got_q), kl, rtol=1e-6, atol=1e-12)


def test_the_target_sharpens_and_lifts_small_clusters():
    q = torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.4, 0.6]])
    p = dec.target_distribution(q)
    assert p[0, 0] > q[0, 0] and p[3, 1] > q[3, 1]
    # the smaller cluster gains more from squaring than the larger would
    assert p[3, 1] / p[3, 0] > (0.6 / 0.4) ** 2


def test_descending_pulls_a_cell_to_its_centre():
    z = torch.tensor([[0.0], [1.0], [5.0]], requires_grad=True)
    q = dec.soft_labels(z, torch.tensor([[0.0], [5.0]]))
    dec.divergence(dec.target_distribution(q).detach(), q).backward()
    assert z.grad[1] > 0  # stepping down moves it from 1 towards 0
