"""scPROTEIN (Li et al. 2024): graph contrastive learning with prototypes, its second stage.

The first stage weighs peptides by their uncertainty; an image has no peptides. The authors
join all cells of a slice that correlate above 0.15, an n x n matrix; here each cell is joined
to those of its image that it correlates with most. They leave the clusters to the user, by
Leiden in their spatial example: ``labels`` says how they are found.
"""

import logging

import numpy as np
import torch
from torch import nn

from spclust.methods import Clustering, original_rows, proteins_and_images
from spclust.parts import heads, prototypes, training
from spclust.parts.descent import descend, finite
from spclust.parts.gcn import GCN, WeightedGraph
from spclust.parts.grace import grace_loss, mask_features
from spclust.parts.graphs import knn_graph, with_self_loops

log = logging.getLogger(__name__)

REMEDY = "lower methods.<name>.lr or raise methods.<name>.temperature"


class Model(nn.Module):
    """Two graph convolutions with one PReLU, and a projection for the contrast."""

    def __init__(self, n_proteins, width, projection_width):
        super().__init__()
        self.encoder = GCN(n_proteins, [2 * width, width], nn.PReLU())
        self.projection = nn.Sequential(
            nn.Linear(width, projection_width), nn.ELU(), nn.Linear(projection_width, width)
        )

    def project(self, z):
        """Rows of unit length."""
        return nn.functional.normalize(self.projection(z), dim=1)


def correlation_graph(x, images, n_neighbors):
    """Each cell joined to the cells of its image that it correlates with most (Pearson)."""
    centred = x - x.mean(1, keepdims=True)
    # between rows of unit length, distance falls as correlation rises
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return knn_graph(unit, images, n_neighbors)


def contrast(model, x, graph, settings, generator):
    """Agreement of two augmented views of the slice."""
    s, views = settings, []
    for edges, features in zip(s["drop_edges"], s["drop_features"], strict=True):
        view = graph.with_dropped_edges(edges, generator)
        z = model.encoder(mask_features(x, features, generator), view)
        views.append(model.project(z))
    anchors = None
    if s["anchors"] is not None and s["anchors"] < len(x):
        anchors = torch.randperm(len(x), generator=generator, device=x.device)[: s["anchors"]]
    return grace_loss(*views, s["temperature"], anchors)


def prototype_loss(z, centres, labels):
    """Cross-entropy of the cosines to the centres, which are constants."""
    cosines = nn.functional.normalize(z, dim=1) @ nn.functional.normalize(centres, dim=1).t()
    return nn.functional.cross_entropy(cosines, labels)


class Prototypes:
    """KMeans centres that follow the embedding from epoch to epoch."""

    def __init__(self, n_prototypes, seed):
        self.n, self.seed, self.centres = n_prototypes, seed, None

    def update(self, z):
        """New centres (k, d) and labels (n,) of embeddings, as tensors."""
        values = z.detach().cpu().numpy()
        if self.centres is None:
            self.labels = heads.kmeans(values, self.n, self.seed)
            self.centres = prototypes.class_means(values, self.labels, self.n)
        self.centres, self.labels = prototypes.refresh(values, self.centres, self.labels, self.seed)
        return (torch.from_numpy(v).to(z.device) for v in (self.centres, self.labels))


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    s, device = settings, training.pick_device(machine.device)
    training.seed_everything(seed, machine.threads)
    generator = torch.Generator(device).manual_seed(seed)
    proteins, images = proteins_and_images(cells)
    adjacency = with_self_loops(correlation_graph(proteins, images, s["n_neighbors"]))
    graph = WeightedGraph.from_scipy(adjacency, device)
    x = torch.from_numpy(np.ascontiguousarray(proteins)).to(device)
    model = Model(x.shape[1], s["width"], s["projection_width"]).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    followed = Prototypes(min(s["n_prototypes"], len(x)), seed)
    for epoch in training.progress(s["epochs"], "train"):
        terms = {"contrast": contrast(model, x, graph, s, generator)}
        finite(terms["contrast"], REMEDY)  # KMeans would refuse in words of its own
        z = model.encoder(x, graph)
        terms["prototypes"] = prototype_loss(z, *followed.update(z))
        descend(optimiser, terms["contrast"] + s["weight_prototypes"] * terms["prototypes"], REMEDY)
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v.item(), 4) for k, v in terms.items()})
    with torch.no_grad():
        z = model.encoder(x, graph).cpu().numpy()
    if s["labels"] == "leiden":
        labels = heads.leiden(z, images, n_clusters, s["n_neighbors"], seed)
    else:
        labels = heads.kmeans(z, n_clusters, seed)
    confidence = heads.neighbour_agreement(z, images, labels)
    rows = original_rows(cells)
    return Clustering(labels[rows], confidence[rows], z[rows])
