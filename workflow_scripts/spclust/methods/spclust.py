"""spClust: oversampled cells, dual-view graph contrastive learning, soft-modularity clusters.

Algorithm 1 of the paper, from line 5 on; lines 1 to 4 are the stages before this one.
"""

import logging

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from spclust.parts import losses, prototypes
from spclust.parts.encoders import GraphAttentionEncoder, Neighbourhoods, ProjectionHead
from spclust.parts.graphs import normalised_adjacency, with_self_loops

log = logging.getLogger(__name__)


class SpClust(nn.Module):
    """Parameters of the method: encoder, projection, importances E, fusion W, prototypes P."""

    def __init__(self, n_proteins, n_clusters, settings):
        super().__init__()
        s, width = settings, settings["hidden_dims"][-1]
        self.encoder = GraphAttentionEncoder(
            n_proteins, s["hidden_dims"], s["heads"], s["residual"], s["last_activation"]
        )
        self.projection = ProjectionHead(width, s["projection_layers"], s["residual_projection"])
        self.importance = nn.Parameter(torch.ones(n_clusters, n_proteins))
        self.importance.requires_grad_(s["learn_importance"])
        self.fusion = nn.Linear(2 * width, 2)
        self.prototypes = nn.Parameter(torch.zeros(n_clusters, width))

    def encode(self, x, graphs, pseudolabels=None):
        """Z of both views, Eq. 5 and 6; without pseudo-labels proteins stay unweighted."""
        x1 = x if pseudolabels is None else self.importance[pseudolabels] * x
        return self.encoder(x1, graphs[0]), self.encoder(x, graphs[1])

    def project(self, z1, z2):
        return self.projection(z1), self.projection(z2)

    def fuse(self, h1, h2):
        """Eq. 12: per-cell weights of the two views and the fused embedding."""
        weights = self.fusion(torch.cat([h1, h2], dim=1)).softmax(dim=1)
        return weights, weights[:, :1] * h1 + weights[:, 1:] * h2

    def assign(self, embedding, temperature=1.0):
        """Soft labels, Eq. 13 (fused embedding) and 17 (expression view)."""
        p = nn.functional.normalize(self.prototypes, dim=1)
        return (embedding @ p.t() / temperature).softmax(dim=1)


class Graph:
    """One view: neighbourhoods for the encoder and targets for the losses."""

    def __init__(self, adjacency, device):
        looped = with_self_loops(adjacency)
        self.encoder = Neighbourhoods.from_scipy(looped, device)
        laplacian = normalised_adjacency(looped)
        rows = np.asarray(laplacian.sum(1))
        target = laplacian.multiply(1.0 / rows).tocsr().sorted_indices()
        self.target = torch.from_numpy(target.data.astype(np.float32)).to(device)
        edges = adjacency.tocoo()
        self.edges = torch.from_numpy(np.stack([edges.row, edges.col])).long().to(device)
        degree = np.diff(adjacency.tocsr().indptr).astype(np.float32)
        self.degree = torch.from_numpy(degree).to(device)


def reconstruction(model, z1, z2, views, kind):
    """Eq. 11 over both views."""
    loss = {"cross_entropy": losses.adjacency_cross_entropy, "bce": losses.adjacency_bce}[kind]
    return sum(loss(z, v.encoder.edge_index, v.target) for z, v in zip((z1, z2), views))


def train(x, adjacencies, pseudolabels, n_clusters, seed, settings, device="cpu", probe=None, spatial_rec=True):
    s = settings
    torch.manual_seed(seed)
    x = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).to(device)
    views = [Graph(a, device) for a in adjacencies]
    graphs = [v.encoder for v in views]
    model = SpClust(x.shape[1], n_clusters, s).to(device)

    def rec(z1, z2):
        kind = losses.adjacency_cross_entropy
        l1 = kind(z1, views[0].encoder.edge_index, views[0].target)
        return l1 + (s.get("spatial_rec", 1.0) * kind(z2, views[1].encoder.edge_index, views[1].target) if s.get("spatial_rec", 1.0) else 0)

    optimiser = torch.optim.Adam(model.encoder.parameters(), lr=s["pretrain_lr"])
    for epoch in range(s["pretrain_epochs"]):
        optimiser.zero_grad()
        loss = rec(*model.encode(x, graphs))
        loss.backward()
        optimiser.step()
        if epoch%25==24: print("pre", epoch, loss.item(), flush=True)
    with torch.no_grad():
        z1, z2 = model.encode(x, graphs)
        labels = prototypes.initial_clusters(z1.cpu().numpy(), pseudolabels, n_clusters, seed)
        h1, _ = model.project(z1, z2)
        means = prototypes.class_means(h1.cpu().numpy(), labels, n_clusters)
        model.prototypes.copy_(torch.from_numpy(means))
    if probe: probe(-1, z1, z2, *model.project(z1,z2), labels)
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"])
    current = torch.from_numpy(labels).to(device)
    w = s["weights"]
    for epoch in range(1, s["epochs"] + 1):
        optimiser.zero_grad()
        z1, z2 = model.encode(x, graphs, current)
        h1, h2 = model.project(z1, z2)
        f, fused = model.fuse(h1, h2)
        m = model.assign(fused, s["assignment_temperature"])
        con = losses.info_nce(h1, h2, s["temperature"], s["include_positive"]) if s.get("con",1) else h1.new_zeros(())
        re = rec(z1, z2)
        q = losses.soft_modularity(m, views[0].edges, views[0].degree)
        al = losses.importance_alignment(model.importance, model.prototypes)
        loss = s.get("con",1)*con + w[0] * re - w[1] * q + w[2] * al
        loss.backward()
        optimiser.step()
        if epoch % s["refresh_every"] == 0:
            with torch.no_grad():
                z1, z2 = model.encode(x, graphs, current)
                h1, h2 = model.project(z1, z2)
                p, labels = prototypes.refresh(h1.numpy(), model.prototypes.detach().numpy(), labels, n_clusters, seed)
                model.prototypes.copy_(torch.from_numpy(p))
                optimiser.state.pop(model.prototypes, None)
                current = torch.from_numpy(labels)
            if probe: probe(epoch, z1, z2, h1, h2, labels, (con.item(), re.item(), q.item(), al.item(), f[:,0].mean().item()), model)
    return model
