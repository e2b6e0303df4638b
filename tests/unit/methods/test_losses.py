"""Every equation of the objective against a dense NumPy reference in double precision."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import logsumexp

from spclust.methods.spclust import losses
from spclust.neighbours.knn import symmetrised, with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.pairwise import Blocks


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
    """Dense L of Eq. 11 with rows rescaled to one, and its graph."""
    looped = with_self_loops(adjacency)
    dense = looped.toarray().astype(np.float64)
    dense /= np.sqrt(np.outer(dense.sum(1), dense.sum(1)))
    return dense / dense.sum(1, keepdims=True), Neighbourhoods.from_scipy(looped)


def dense_in_double(h1, h2, tau, include_positive):
    """Value and gradients of the plain formula in float64."""
    a, b = (torch.tensor(h, dtype=torch.float64, requires_grad=True) for h in (h1, h2))
    s = a @ b.t() / tau
    off = torch.eye(len(s), dtype=torch.bool) & (not include_positive)
    masked = s.masked_fill(off, -torch.inf)
    value = (masked.logsumexp(1) + masked.logsumexp(0)).mean() / 2 - s.diagonal().mean()
    value.backward()
    return value.item(), a.grad.numpy(), b.grad.numpy()


@pytest.mark.parametrize("tau", [1.0, 0.5, 0.07, 0.005])
@pytest.mark.parametrize("include_positive", [False, True])
def test_info_nce_equals_the_dense_formula_down_to_small_temperatures(rng, tau, include_positive):
    # both start from the same float32 numbers: rounding them is not the loss's error
    h1, h2 = (unit_rows(rng, 2000, 16).astype(np.float32) for _ in "12")
    value, grad1, grad2 = dense_in_double(h1, h2, tau, include_positive)
    x, y = tensor(h1), tensor(h2)
    found = losses.info_nce(x, y, tau, include_positive)
    found.backward()
    assert found.item() == pytest.approx(value, rel=1e-5)
    assert relative(x.grad, grad1) < 1e-5 and relative(y.grad, grad2) < 1e-5


@pytest.mark.parametrize("block_entries", [150, 1000, 1 << 20])
def test_the_result_does_not_depend_on_the_block_size(rng, block_entries):
    h1, h2 = unit_rows(rng, 150, 8), unit_rows(rng, 150, 8)
    value, grad1, grad2 = dense_in_double(h1, h2, 0.2, False)
    x, y = tensor(h1), tensor(h2)
    found = losses.info_nce(x, y, 0.2, blocks=Blocks(block_entries))
    found.backward()
    assert found.item() == pytest.approx(value, rel=1e-5)
    assert relative(x.grad, grad1) < 1e-5 and relative(y.grad, grad2) < 1e-5


def pairwise_terms(rng, n):
    """Every pairwise term as a function of embeddings and anchors."""
    _, graph = targets(random_graph(rng, n))
    return {
        "info_nce": lambda x, y, anchors: losses.info_nce(x, y, 0.3, anchors=anchors),
        "cross_entropy": lambda x, _, anchors: losses.adjacency_cross_entropy(x, graph, anchors),
        "bce": lambda x, _, anchors: losses.adjacency_bce(x, graph, anchors),
    }


@pytest.mark.parametrize("term", ["info_nce", "cross_entropy", "bce"])
def test_the_mean_over_all_samples_of_anchors_is_the_exact_term(rng, term):
    """Unbiased: a partition of the cells into samples gives the exact value and gradient."""
    function = pairwise_terms(rng, 120)[term]
    exact, sampled = (
        [tensor(unit_rows(np.random.default_rng(i), 120, 5)) for i in (1, 2)] for _ in "12"
    )
    value = function(*exact, None)
    value.backward()
    samples = torch.as_tensor(rng.permutation(120)).split(30)
    mean = sum(function(*sampled, anchors) for anchors in samples) / len(samples)
    mean.backward()
    assert mean.item() == pytest.approx(value.item(), rel=1e-5)
    for x, y in zip(sampled, exact):
        if y.grad is not None:
            assert relative(x.grad, y.grad.numpy()) < 1e-5
    one = [function(*sampled, anchors).item() for anchors in samples[:2]]
    assert one[0] != one[1]


def test_info_nce_is_lower_when_the_views_agree(rng):
    h = torch.tensor(unit_rows(rng, 60, 8), dtype=torch.float32)
    assert losses.info_nce(h, h, 0.5) < losses.info_nce(h, h.flip(0), 0.5)


def test_adjacency_cross_entropy_equals_the_dense_row_softmax(rng):
    z = rng.normal(size=(120, 5))
    dense, graph = targets(random_graph(rng, 120))
    s = z @ z.T
    expected = -(dense * (s - logsumexp(s, axis=1, keepdims=True))).sum(1).mean()
    x = tensor(z)
    found = losses.adjacency_cross_entropy(x, graph, blocks=Blocks(700))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    a = torch.tensor(z, requires_grad=True)
    logits = a @ a.t()
    (-(torch.tensor(dense) * logits.log_softmax(1)).sum(1).mean()).backward()
    assert relative(x.grad, a.grad.numpy()) < 1e-5


def test_adjacency_bce_equals_the_dense_formula(rng):
    z = rng.normal(size=(90, 4))
    dense, graph = targets(random_graph(rng, 90))
    m = np.count_nonzero(dense)
    up_weight = (90 * 90 - m) / m
    a = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        a @ a.t(), torch.tensor(dense), pos_weight=torch.tensor(up_weight)
    )
    expected.backward()
    x = tensor(z)
    found = losses.adjacency_bce(x, graph, blocks=Blocks(500))
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative(x.grad, a.grad.numpy()) < 1e-5


@pytest.mark.parametrize("weighted", [False, True])
def test_soft_modularity_equals_the_trace_of_the_modularity_matrix(rng, weighted):
    adjacency = random_graph(rng, 80)
    if weighted:
        draw = rng.random((80, 80))
        adjacency = adjacency.multiply(draw + draw.T).tocsr()
    a, soft = adjacency.toarray(), rng.dirichlet(np.ones(4), size=80)
    degree = a.sum(1)
    b = a - np.outer(degree, degree) / degree.sum()
    expected = np.trace(soft.T @ b @ soft) / degree.sum()
    graph, x = Neighbourhoods.from_scipy(with_self_loops(adjacency)), tensor(soft)
    found = losses.soft_modularity(x, graph)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    found.backward()
    assert relative(x.grad, 2 * b @ soft / degree.sum()) < 1e-5


def test_soft_modularity_of_uniform_labels_is_zero(rng):
    graph = Neighbourhoods.from_scipy(with_self_loops(random_graph(rng, 50)))
    assert abs(losses.soft_modularity(torch.full((50, 5), 0.2), graph).item()) < 1e-6


@pytest.mark.parametrize("normalise", [True, False])
def test_importance_alignment_compares_gram_matrices(rng, normalise):
    e, p = rng.normal(size=(4, 9)), rng.normal(size=(4, 3))
    found = losses.importance_alignment(tensor(e), tensor(p), normalise).item()
    if normalise:
        e, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (e, p))
    assert found == pytest.approx(((e @ e.T - p @ p.T) ** 2).mean(), rel=1e-5)


def test_no_loss_holds_an_n_by_n_matrix():
    """20,000 cells squared are 1.6 GB; a whole pass must do with a small part of that."""
    script = """if True:
        import torch
        from scipy import sparse
        from spclust.engine.logs import peak_memory
        from spclust.methods.spclust import losses
        from spclust.nn.neighbourhoods import Neighbourhoods
        h = torch.nn.functional.normalize(torch.randn(20_000, 16), dim=1).requires_grad_()
        losses.info_nce(h[:500], h[:500], 0.5).backward()  # libraries are loaded
        before = peak_memory()
        graph = Neighbourhoods.from_scipy(sparse.eye(20_000))
        small = Neighbourhoods.from_scipy(sparse.eye(4000))
        loss = losses.info_nce(h, h.flip(0), 0.5)
        loss = loss + losses.adjacency_cross_entropy(h, graph)
        (loss + losses.adjacency_bce(h[:4000], small)).backward()
        print(peak_memory() - before)
    """
    library = Path(losses.__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=library, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100
