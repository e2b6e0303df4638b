"""Learnt graphs, mixed with the spatial one: against dense matrices, values and gradients."""

import numpy as np
import pytest
import torch
from references import normalised, numeric_gradient, random_graph

from spclust.methods.praga.fused_graphs import FusedGraph, FusedGraphs

N = 9


@pytest.fixture
def graphs():
    rng = np.random.default_rng(0)
    return random_graph(rng, N), random_graph(rng, N)


@pytest.fixture
def fused(graphs):
    graph = FusedGraph(*graphs, 1.0, torch.device("cpu")).double()
    with torch.no_grad():
        rng = np.random.default_rng(1)
        edges = rng.uniform(0.2, 2, len(graph.edges))
        edges[graph.pair[~graph.loops][0]] = -0.5  # rectified; loops are one whatever stands there
        graph.edges.copy_(torch.from_numpy(edges))
        graph.mixture.copy_(torch.tensor([0.3, -0.4]))
    return graph


def dense_learnt(graph, edges):
    """The learnt graph as a matrix, edge by edge."""
    matrix = np.zeros((N, N))
    for i, j, pair in zip(*graph.learnt.edge_index.tolist(), graph.pair.tolist()):
        matrix[i, j] = 1.0 if i == j else max(edges[pair], 0.0)
    assert np.array_equal(matrix, matrix.T)
    return normalised(matrix)


def dense_fused(graph, spatial, edges, mixture):
    shares = np.exp(mixture) / np.exp(mixture).sum()
    space = normalised(spatial.toarray().astype(float) + np.eye(N))
    return shares[0] * space + shares[1] * dense_learnt(graph, edges)


def test_a_new_one_is_the_mean_of_both_normalised_graphs(graphs):
    graph, x = FusedGraph(*graphs, 1.0, torch.device("cpu")), np.eye(N, dtype=np.float32)
    both = [normalised(g.toarray() + np.eye(N)) for g in graphs]
    propagated = graph.propagate(torch.from_numpy(x)).detach()
    np.testing.assert_allclose(propagated, (both[0] + both[1]) / 2, atol=1e-6)
    assert graph.drift().item() == pytest.approx(0, abs=1e-5)
    graph.drift().backward()
    assert torch.isfinite(graph.edges.grad).all()


def test_propagation_against_a_dense_matrix(fused, graphs):
    rng = np.random.default_rng(2)
    x, target = rng.normal(size=(2, N, 3))
    features = torch.from_numpy(x).requires_grad_()
    loss = (fused.propagate(features) * torch.from_numpy(target)).sum()
    loss.backward()
    edges, mixture = fused.edges.detach().numpy(), fused.mixture.detach().numpy()

    def reference(edges=edges, mixture=mixture, x=x):
        return (dense_fused(fused, graphs[0], edges, mixture) @ x * target).sum()

    assert loss.item() == pytest.approx(reference(), rel=1e-6)
    np.testing.assert_allclose(
        fused.edges.grad, numeric_gradient(lambda v: reference(edges=v), edges), atol=1e-5
    )
    np.testing.assert_allclose(
        fused.mixture.grad, numeric_gradient(lambda v: reference(mixture=v), mixture), atol=1e-5
    )
    np.testing.assert_allclose(
        features.grad, numeric_gradient(lambda v: reference(x=v), x), atol=1e-5
    )


def test_the_drift_is_the_frobenius_norm(fused):
    edges, anchor = fused.edges.detach().numpy(), fused.anchor.numpy()
    start = np.zeros((N, N))
    start[tuple(fused.learnt.edge_index.numpy())] = anchor

    def reference(edges):
        return np.linalg.norm(dense_learnt(fused, edges) - start)

    fused.drift().backward()
    assert fused.drift().item() == pytest.approx(reference(edges), rel=1e-6)
    np.testing.assert_allclose(fused.edges.grad, numeric_gradient(reference, edges), atol=1e-5)


@pytest.mark.parametrize("memory", [1.0, 0.9])
def test_the_anchor_stays_or_follows(fused, memory):
    fused.memory, before, now = memory, fused.anchor.clone(), fused.learnt_values().detach()
    fused.remember()
    assert torch.allclose(fused.anchor, memory * before + (1 - memory) * now)
    assert ("anchor" in fused.state_dict()) and "spatial" not in fused.state_dict()


@pytest.mark.parametrize("decoder", ["spatial", "pointwise"])
def test_encoder_and_decoders_are_products_with_the_graphs(graphs, decoder):
    spatial, features = graphs
    model = FusedGraphs([4, 2], 3, spatial, [features, spatial], 1.0, decoder, torch.device("cpu"))
    x = [torch.randn(N, d) for d in (4, 2)]
    z = model.encode(x)
    eye = torch.eye(N)
    parts = [
        g.propagate(eye) @ v @ e.weight.t() for g, v, e in zip(model.graphs, x, model.encoders)
    ]
    assert torch.allclose(z, model.fusion(torch.cat(parts, dim=1)), atol=1e-5)
    space = torch.from_numpy(normalised(spatial.toarray() + np.eye(N))).float()
    spread = space @ z if decoder == "spatial" else z
    for decoded, layer, d in zip(model.decode(z), model.decoders, (4, 2), strict=True):
        assert decoded.shape == (N, d)
        assert torch.allclose(decoded, spread @ layer.weight.t(), atol=1e-5)
    assert model.drift().item() == pytest.approx(0, abs=1e-5)


def test_memory_grows_with_edges_only():
    graph = random_graph(np.random.default_rng(0), 300, 0.01)
    fused = FusedGraph(graph, graph, 1.0, torch.device("cpu"))
    stored = sum(v.numel() for v in fused.state_dict().values())
    assert stored < 2 * (graph.nnz + 300) + 10
