"""scRCL (Peng et al. 2026): a cell by itself and a cell among its like, refined by its genes.

A perceptron sees each cell, a graph network its nearest cells in expression. Their embeddings are
aligned as distributions (as wholes, cell by cell, and neighbours against all others), and turned
into clusters' shares by an embedding of genes, learnt on a graph of genes. All terms are over all
pairs of cells and in the authors' code are n x n matrices; here none is (:mod:`.parts.divergence`,
:mod:`.parts.relational`), at the same values.

No places are needed; with ``graph: spatial`` neighbours are those in the tissue, as the authors
take them for spatial data. The authors report the epoch that agrees best with the true labels;
here it is the last. They feed raw counts, here features are as prepared; and two of their
activations are plain, here all are leaky.
"""

import logging
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import nn

from spclust.clustering import heads
from spclust.data import requirements
from spclust.methods.scrcl import view_divergence as divergence
from spclust.methods.task import Clustering
from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn import relational, training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gcn import GCN
from spclust.nn.grace import dropped_out
from spclust.nn.gradient_step import descend
from spclust.nn.neighbourhoods import Neighbourhoods

log = logging.getLogger(__name__)


class Model(nn.Module):
    """Encoders of cells and of genes.

    Parameters
    ----------
    n_cells, n_features, width, n_shares : int
        The embedding of genes has weights for each cell, so it knows no others.
    dropout : float
    """

    def __init__(self, n_cells, n_features, width, n_shares, dropout):
        super().__init__()
        self.activation, self.dropout = nn.LeakyReLU(), dropout
        self.alone = nn.Linear(n_features, width)
        self.among = GCN(n_features, [width, width], self.activation)
        self.among_last = nn.Linear(width, width)
        self.genes = GCN(n_cells, [n_shares], self.activation)
        self.projection = nn.Linear(width, n_features)

    def forward(self, views, graph, gene_graph, generator=None):
        """Embeddings (n, width) and shares (n, n_shares), two of each, rows of unit length.

        Parameters
        ----------
        views : (Tensor, Tensor), shape (n, d)
            Features for the perceptron and for the graph network.
        graph, gene_graph : Neighbourhoods
        generator : torch.Generator, optional
            Of dropout; none without.
        """
        x, smoothed = views
        hidden = dropped_out(self.among(smoothed, graph), self.dropout, generator)
        cells = [self.activation(self.alone(x)), self.activation(self.among_last(hidden))]
        genes = self.genes(x.t(), gene_graph)
        # (e P) G = e (P G): the product of cells, and that of genes, goes over few clusters
        weight, bias = self.projection.weight.t() @ genes, self.projection.bias @ genes
        shares = [dropped_out(e, self.dropout, generator) @ weight + bias for e in cells]
        return [[nn.functional.normalize(v, dim=1) for v in both] for both in (cells, shares)]


@torch.no_grad()
def refined(model, views, graphs):
    """Both views' shares side by side, refined by the genes; array (n, 2 n_clusters)."""
    return torch.cat(model(views, *graphs)[1], dim=1).cpu().numpy()


def train(model, views, graphs, task, history, checkpoint, after_epoch=None):
    """Descend on alignment, neighbourhood contrast and consistency with the graph.

    Parameters
    ----------
    after_epoch : callable, optional
        Takes the state, the epoch and a call that gives what is :func:`refined` then, and may
        keep arrays in the state; training itself goes on as without it.

    Returns
    -------
    State
    """
    s, graph = task.settings, graphs[0]
    # fused: millions of weights, each visited once a step
    optimiser = torch.optim.Adam(
        model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"], fused=True
    )
    state = State("train", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["epochs"]):
        generator = training.generator(views[0].device, task.seed, "train", epoch)
        cells, shares = model(views, *graphs, generator)
        terms = {
            "alignment": divergence.distribution_alignment(*cells, s["temperature"]),
            "neighbours": divergence.neighbourhood_contrast(*cells, graph, s["temperature"]),
            "consistency": relational.graph_consistency(*shares, graph),
        }
        loss = terms["alignment"] + s["weight_neighbours"] * terms["neighbours"]
        loss = loss + s["weight_consistency"] * terms["consistency"]
        value = descend(
            optimiser, loss, f"lower {task.key('lr')} or raise {task.key('temperature')}"
        )
        row = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **row})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in row.items()})
        if after_epoch is not None:
            after_epoch(state, epoch, partial(refined, model, views, graphs))
    return state


def smoothed(x, graph, times):
    """Features spread over the graph so many times."""
    for _ in range(times):
        x = graph.propagate(x)
    return x


def embedded(task, after_epoch=None):
    """Train on the cells of a task.

    Parameters
    ----------
    task : spclust.methods.task.Task
    after_epoch : callable, optional
        Of :func:`train`.

    Returns
    -------
    z : array of float32, shape (n, 2 n_clusters)
        What is refined after the last epoch.
    state : State
    cost : dict
    """
    requirements.several_features(task)
    s, device, x = task.settings, training.start(task), task.cells.matrix
    if s["graph"] == "spatial":
        requirements.places(task)
    gene_graph = knn_graph(np.ascontiguousarray(x.T), np.zeros(x.shape[1]), s["gene_neighbors"])
    graphs = [
        Neighbourhoods.from_scipy(with_self_loops(graph), device)
        for graph in (task.graphs[s["graph"]], gene_graph)
    ]
    features = torch.from_numpy(np.ascontiguousarray(x)).to(device)
    views = [smoothed(features, graphs[0], times) for times in s["smoothing"]]
    model, history = Model(*x.shape, s["width"], task.n_clusters, s["dropout"]).to(device), []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        state = train(model, views, graphs, task, history, checkpoint, after_epoch)
    return refined(model, views, graphs), state, {"seconds_before": checkpoint.seconds}


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    z, state, cost = embedded(task)
    labels = heads.kmeans(z, task.n_clusters, task.seed)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels),
        z,
        tables={"history": pd.DataFrame(state.history)},
        cost=cost,
    )
