"""The sparse attention layer against torch-geometric's own, and the modules' promises."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.nn import GATConv

from spclust.neighbours.knn import symmetrised, with_self_loops
from spclust.nn import encoders
from spclust.nn.encoders import GraphAttentionEncoder, ProjectionHead, SparseGATConv
from spclust.nn.neighbourhoods import Neighbourhoods


@pytest.fixture
def graph():
    rng = np.random.default_rng(1)
    upper = sp.csr_matrix(np.triu(rng.random((60, 60)) < 0.1, 1).astype(np.float32))
    return Neighbourhoods.from_scipy(with_self_loops(symmetrised(upper)))


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


@pytest.mark.parametrize("block_edges", [1, 40, 300])
def test_a_pass_in_blocks_equals_the_whole_pass(graph, monkeypatch, block_edges):
    torch.manual_seed(0)
    encoder, x = GraphAttentionEncoder(5, [8, 4], 2, residual=True), torch.randn(60, 5)
    whole = encoder(x, graph)
    monkeypatch.setattr(encoders, "BLOCK_EDGES", block_edges)
    assert whole.requires_grad and torch.equal(encoder(x, graph), whole)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x, graph), whole, rtol=1e-6, atol=1e-6)


def test_memory_without_gradients_grows_with_cells_and_not_with_edges():
    """Scores of 8 heads and 4 million edges alone are 128 MB, and there are several of them."""
    script = """if True:
        import sys, torch, scipy.sparse as sp
        from spclust.engine.logs import peak_memory
        from spclust.nn import encoders
        from spclust.nn.neighbourhoods import Neighbourhoods
        torch.set_num_threads(1)
        ring = sp.diags([1.0] * 401, range(-200, 201), shape=(10_000, 10_000))
        graph = Neighbourhoods.from_scipy(ring)
        encoder = encoders.GraphAttentionEncoder(4, [16], 8)
        encoders.BLOCK_EDGES = int(sys.argv[1])
        with torch.no_grad():
            encoder(torch.randn(100, 4), Neighbourhoods.from_scipy(sp.eye(100)))
            before = peak_memory()
            encoder(torch.randn(10_000, 4), graph)
        print(peak_memory() - before)
    """
    library = Path(encoders.__file__).parents[2]
    taken = []
    for edges in (1 << 18, 1 << 30):
        done = subprocess.run(
            [sys.executable, "-c", script, str(edges)],
            cwd=library,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(float(done.stdout))
    assert taken[0] < taken[1] / 4


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
