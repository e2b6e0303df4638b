"""Every equation of the objective against a dense NumPy reference in double precision."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import logsumexp

from spclust.parts import losses
from spclust.parts.graphs import normalised_adjacency, symmetrised, with_self_loops


def unit_rows(rng, n, d):
    x = rng.normal(size=(n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def tensor(x):
    return torch.tensor(x, dtype=torch.float32, requires_grad=True)


def relative(found, expected):
    return np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def random_graph(rng, n, p=0.1):
    return symmetrised(sp.csr_matrix(np.triu(rng.random((n, n)) < p, 1).astype(np.float32)))


def targets(adjacency):
    """Dense L of Eq. 11 with rows rescaled to one, and the same as edge lists."""
    dense = normalised_adjacency(with_self_loops(adjacency)).toarray()
    dense = dense / dense.sum(1, keepdims=True)
    rows, columns = np.nonzero(dense)
    weights = torch.tensor(dense[rows, columns], dtype=torch.float32)
    return dense, torch.tensor(np.stack([rows, columns])), weights


def dense_info_nce(h1, h2, tau, include_positive):
    s = h1 @ h2.T / tau
    mask = np.where(np.eye(len(s), dtype=bool) & (not include_positive), -np.inf, 0)
    one = logsumexp(s + mask, axis=1) - np.diag(s)
    other = logsumexp(s.T + mask, axis=1) - np.diag(s)
    return (one.mean() + other.mean()) / 2


@pytest.mark.parametrize("tau", [1.0, 0.5, 0.07, 0.005])
@pytest.mark.parametrize("include_positive", [False, True])
def test_info_nce_equals_the_dense_formula_down_to_small_temperatures(rng, tau, include_positive):
    h1, h2 = unit_rows(rng, 150, 8), unit_rows(rng, 150, 8)
    found = losses.info_nce(tensor(h1), tensor(h2), tau, include_positive)
    assert found.item() == pytest.approx(dense_info_nce(h1, h2, tau, include_positive), rel=1e-5)


@pytest.mark.parametrize("block_entries", [150, 1000, 1 << 20])
def test_info_nce_gradient_does_not_depend_on_the_block_size(rng, block_entries):
    h1, h2 = unit_rows(rng, 150, 8), unit_rows(rng, 150, 8)
    a, b = (torch.tensor(h, dtype=torch.float64, requires_grad=True) for h in (h1, h2))
    s = a @ b.t() / 0.2
    off = torch.eye(150, dtype=torch.bool)
    masked = s.masked_fill(off, -torch.inf)
    dense = (masked.logsumexp(1) + masked.logsumexp(0)).mean() / 2 - s.diagonal().mean()
    dense.backward()
    x, y = tensor(h1), tensor(h2)
    losses.info_nce(x, y, 0.2, block_entries=block_entries).backward()
    assert relative(x.grad, a.grad.numpy()) < 1e-5
    assert relative(y.grad, b.grad.numpy()) < 1e-5


def test_info_nce_is_lower_when_the_views_agree(rng):
    h = torch.tensor(unit_rows(rng, 60, 8), dtype=torch.float32)
    assert losses.info_nce(h, h, 0.5) < losses.info_nce(h, h.flip(0), 0.5)


def test_adjacency_cross_entropy_equals_the_dense_row_softmax(rng):
    z = rng.normal(size=(120, 5))
    dense, edges, weights = targets(random_graph(rng, 120))
    s = z @ z.T
    expected = -(dense * (s - logsumexp(s, axis=1, keepdims=True))).sum(1).mean()
    x = tensor(z)
    found = losses.adjacency_cross_entropy(x, edges, weights, block_entries=700)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    a = torch.tensor(z, requires_grad=True)
    logits = a @ a.t()
    (-(torch.tensor(dense) * logits.log_softmax(1)).sum(1).mean()).backward()
    assert relative(x.grad, a.grad.numpy()) < 1e-5


def test_adjacency_bce_equals_the_dense_formula(rng):
    z = rng.normal(size=(90, 4))
    dense, edges, weights = targets(random_graph(rng, 90))
    up_weight = (90 * 90 - len(weights)) / len(weights)
    a = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        a @ a.t(), torch.tensor(dense), pos_weight=torch.tensor(up_weight)
    )
    expected.backward()
    x = tensor(z)
    found = losses.adjacency_bce(x, edges, weights, block_entries=500)
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative(x.grad, a.grad.numpy()) < 1e-5


def test_soft_modularity_equals_the_trace_of_the_modularity_matrix(rng):
    adjacency = random_graph(rng, 80)
    a, soft = adjacency.toarray(), rng.dirichlet(np.ones(4), size=80)
    degree = a.sum(1)
    b = a - np.outer(degree, degree) / degree.sum()
    expected = np.trace(soft.T @ b @ soft) / degree.sum()
    edges = torch.tensor(np.stack(adjacency.nonzero())).long()
    found = losses.soft_modularity(tensor(soft), edges, torch.tensor(degree).float())
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_soft_modularity_of_uniform_labels_is_zero(rng):
    adjacency = random_graph(rng, 50)
    edges = torch.tensor(np.stack(adjacency.nonzero())).long()
    degree = torch.tensor(np.asarray(adjacency.sum(1)).ravel())
    assert abs(losses.soft_modularity(torch.full((50, 5), 0.2), edges, degree).item()) < 1e-6


@pytest.mark.parametrize("normalise", [True, False])
def test_importance_alignment_compares_gram_matrices(rng, normalise):
    e, p = rng.normal(size=(4, 9)), rng.normal(size=(4, 3))
    found = losses.importance_alignment(tensor(e), tensor(p), normalise).item()
    if normalise:
        e, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (e, p))
    assert found == pytest.approx(((e @ e.T - p @ p.T) ** 2).mean(), rel=1e-5)


def test_no_loss_holds_an_n_by_n_matrix():
    """A matrix of 40,000 cells squared would need 6.4 GB; the block buffer is 4 MB."""
    n = 40_000
    z = torch.randn(n, 2, requires_grad=True)
    weight = torch.full((n,), 1 / n)
    largest = 0
    original = torch.Tensor.new_empty

    def watched(self, *shape, **options):
        nonlocal largest
        out = original(self, *shape, **options)
        largest = max(largest, out.numel())
        return out

    torch.Tensor.new_empty = watched
    try:
        losses.row_logsumexp(z[:2000], z, weight[:2000])
    finally:
        torch.Tensor.new_empty = original
    assert 0 < largest <= losses.BLOCK_ENTRIES
