"""GraphST (Long et al. 2023): reconstruction of a spatial graph, and contrast with shuffled cells.

A linear graph encoder and decoder, and deep graph infomax with a summary for each cell, the mean
of its surroundings. The authors cluster 20 principal components of the *reconstructed* features by
a Gaussian mixture with one covariance (mclust's EEE), started from a hierarchy. Their moves of
labels to the majority within a radius are left out.
"""

import logging

import numpy as np
import pandas as pd
import torch
from torch import nn

from spclust.clustering import heads
from spclust.data import requirements
from spclust.methods.task import Clustering
from spclust.neighbours.knn import with_self_loops
from spclust.nn import dgi, training
from spclust.nn import embedding_clusters as embedded
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gcn import GraphConvolution
from spclust.nn.gradient_step import descend
from spclust.nn.neighbourhoods import Neighbourhoods, Operator

log = logging.getLogger(__name__)


class Model(nn.Module):
    """Linear graph encoder and decoder, and a discriminator of cells by their surroundings."""

    def __init__(self, n_features, width):
        super().__init__()
        self.encoder = GraphConvolution(n_features, width)
        self.decoder = GraphConvolution(width, n_features)
        self.discriminator = dgi.Discriminator(width)


def objective(model, x, shuffled, operator, graph, settings):
    """Weighted sum of reconstruction and contrast, and the terms.

    Parameters
    ----------
    x, shuffled : Tensor, shape (n, d)
        Features of the cells, and those of other cells in their places.
    operator, graph : Neighbourhoods
        What is convolved with, and what surroundings are.
    settings : dict
    """
    z, corrupted = model.encoder(x, operator), model.encoder(shuffled, operator)
    views, contrast = (z.relu(), corrupted.relu()), 0.0
    for own, other in (views, views[::-1]):
        summary = dgi.neighbourhood_summary(own, graph)
        # of both cross-entropies the mean, as over twice the cells
        contrast = contrast + dgi.infomax(own, other, model.discriminator, summary) / 2
    terms = {
        "reconstruction": (model.decoder(z, operator) - x).square().mean(),
        "contrast": contrast,
    }
    return sum(settings[f"weight_{name}"] * term for name, term in terms.items()), terms


def operator_of(graph, adjacency, loops):
    """What is convolved with: self-loops set before the graph is normalised, or after."""
    if loops == "before":
        return graph
    own = Neighbourhoods.from_scipy(adjacency)
    normalised = adjacency.tocsr().sorted_indices()
    normalised.data = own.normalised.numpy()
    return Operator.from_scipy(with_self_loops(normalised), graph.weight.device)


def train(model, x, operator, graph, task, history, checkpoint):
    """Descend on the objective, against cells shuffled anew in each epoch."""
    s, images = task.settings, task.cells.groups("image")
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        # cells swap features within their image: staining differs between images anyway
        order = dgi.shuffled_within(images, np.random.default_rng([task.seed, epoch]))
        shuffled = x.index_select(0, torch.from_numpy(order).to(x.device))
        loss, terms = objective(model, x, shuffled, operator, graph, s)
        value = descend(optimiser, loss, f"lower {task.key('lr')}")
        row = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **row})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in row.items()})
    with torch.no_grad():
        return model.decoder(model.encoder(x, operator), operator).cpu().numpy()


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    requirements.several_features(task)
    requirements.places(task)
    s, device, adjacency = task.settings, training.start(task), task.graphs["spatial"]
    graph = Neighbourhoods.from_scipy(with_self_loops(adjacency), device)
    x = torch.from_numpy(np.ascontiguousarray(task.cells.matrix)).to(device)
    model, history = Model(x.shape[1], s["width"]).to(device), []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        operator = operator_of(graph, adjacency, s["self_loops"])
        reconstructed = train(model, x, operator, graph, task, history, checkpoint)
    z = embedded.components_of(reconstructed, task.seed)
    labels = embedded.LABELS[s["labels"]](z, task.n_clusters, task.seed)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels),
        z,
        tables={"history": pd.DataFrame(history)},
        cost={"seconds_before": checkpoint.seconds},
    )
