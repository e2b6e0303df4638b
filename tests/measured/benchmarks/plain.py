"""The objective as one would first write it: dense n x n matrices, torch-geometric's GATConv.

The reference of the benchmark and of a test; equations as in spclust.methods.spclust.losses.
"""

import types

import torch
from torch_geometric.nn import GATConv

from spclust.methods.spclust import losses


def plain_encoder(model):
    """Evaluate a model's attention layers as GATConv does, a message per edge."""
    for layer in (layer for encoder in model.encoders for layer in encoder.layers):
        layer.forward = types.MethodType(
            lambda self, x, graph: GATConv.forward(self, x, graph.edge_index.flip(0)), layer
        )


def plain_terms(model, batch, labels, settings, _):
    """Eq. 16 of all cells in one modality, and its terms, like methods.spclust.objective."""
    s, n = settings, len(labels)
    z = model.encode(batch.features, batch.graphs, labels)
    h1, h2 = model.project(z)
    similarity = h1 @ h2.T / s["temperature"]
    self_pair = torch.eye(n, dtype=torch.bool, device=h1.device)
    others = similarity.masked_fill(self_pair, -torch.inf)
    contrast = (others.logsumexp(1) + others.logsumexp(0)).mean() / 2
    contrast = contrast - similarity.diagonal().mean()
    reconstruction = 0.0
    for zv, graph in zip(z, batch.graphs.values()):
        target = torch.zeros(n, n, device=zv.device)
        target[tuple(graph.edge_index)] = graph.row_shares
        reconstruction = reconstruction - (target * (zv @ zv.T).log_softmax(1)).sum() / n
    _, fused = model.fuse([h1, h2])
    soft = model.assign(fused, s["assignment_temperature"])
    adjacency = torch.zeros(n, n, device=soft.device)
    adjacency[tuple(batch.graphs["expression"].edge_index)] = 1.0
    adjacency.fill_diagonal_(0.0)
    degree = adjacency.sum(1)
    expected = torch.outer(degree, degree) / degree.sum()
    modularity = (soft.T @ (adjacency - expected) @ soft).trace() / degree.sum()
    alignment = losses.importance_alignment(model.importances[0], model.prototypes)
    g = model.gammas
    loss = contrast + g[0] * reconstruction - g[1] * modularity + g[2] * alignment
    return loss, {"loss": loss.item()}
