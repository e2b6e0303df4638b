"""The sparse attention layer against torch-geometric's own, and the modules' promises."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.nn import GATConv

from spclust.parts.encoders import (
    GraphAttentionEncoder,
    ProjectionHead,
    SparseGATConv,
    edge_softmax,
)
from spclust.parts.graphs import symmetrised, with_self_loops
from spclust.parts.neighbourhoods import Neighbourhoods


@pytest.fixture
def graph():
    rng = np.random.default_rng(1)
    upper = sp.csr_matrix(np.triu(rng.random((60, 60)) < 0.1, 1).astype(np.float32))
    return Neighbourhoods.from_scipy(with_self_loops(symmetrised(upper)))


def test_reverse_points_at_the_opposite_direction(graph):
    target, source = graph.edge_index
    assert torch.equal(target[graph.reverse], source)
    assert torch.equal(source[graph.reverse], target)


def test_edge_softmax_sums_to_one_for_every_cell(graph):
    alpha = edge_softmax(50 * torch.randn(graph.edge_index.shape[1], 2), graph)
    sums = torch.zeros(60, 2).index_add(0, graph.edge_index[0], alpha)
    assert torch.allclose(sums, torch.ones(60, 2), atol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
def test_sparse_attention_equals_torch_geometric(graph, residual):
    torch.manual_seed(0)
    layer = SparseGATConv(7, 4, heads=2, add_self_loops=False, residual=residual)
    x = torch.randn(60, 7)
    results = []
    reference = (GATConv.forward, graph.edge_index.flip(0))
    for forward, edges in ((SparseGATConv.forward, graph), reference):
        layer.zero_grad()
        x_in = x.clone().requires_grad_()
        out = forward(layer, x_in, edges)
        out.square().sum().backward()
        results.append([out.detach(), x_in.grad, *(p.grad.clone() for p in layer.parameters())])
    for ours, theirs in zip(*results):
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max() + 1e-6


def test_encoder_has_a_linear_last_layer_unless_asked(graph):
    torch.manual_seed(0)
    x = torch.randn(60, 5)
    assert GraphAttentionEncoder(5, [8, 4], 2)(x, graph).min() < 0
    assert GraphAttentionEncoder(5, [8, 4], 2, last_activation=True)(x, graph).min() == 0


def test_projection_rows_have_unit_length():
    h = ProjectionHead(6, 3)(torch.randn(20, 6))
    assert torch.allclose(h.norm(dim=1), torch.ones(20), atol=1e-5)


def test_untrained_residual_projection_keeps_the_embedding():
    torch.manual_seed(0)
    z = torch.randn(50, 16)
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(ProjectionHead(16, 3, residual=True)(z), z).min() > 0.95
