"""scPROTEIN (Li et al. 2024): graph contrastive learning with prototypes, its second stage.

The first stage weighs peptides by their uncertainty; an image has no peptides. The authors
join all cells of a slice that correlate above 0.15, an n x n matrix; the graph that the card
asks for joins each cell to those that it correlates with most, or, with ``graph: spatial`` as in
their spatial example, to those that are nearest. They leave the clusters to the user, by Leiden
in that example: ``labels`` says how they are found.
"""

import logging

import numpy as np
import pandas as pd
import torch
from torch import nn

from spclust.clustering import heads, prototypes
from spclust.methods.task import Clustering
from spclust.neighbours.knn import with_self_loops
from spclust.nn import training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gcn import GCN
from spclust.nn.grace import grace_loss, mask_features
from spclust.nn.gradient_step import descend, finite
from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.pairwise import Blocks
from spclust.nn.prototype_contrast import prototype_loss

log = logging.getLogger(__name__)


class Model(nn.Module):
    """Two graph convolutions with one PReLU, and a projection for the contrast."""

    def __init__(self, n_features, width, projection_width):
        super().__init__()
        self.encoder = GCN(n_features, [2 * width, width], nn.PReLU())
        self.projection = nn.Sequential(
            nn.Linear(width, projection_width), nn.ELU(), nn.Linear(projection_width, width)
        )

    def project(self, z):
        """Rows of unit length."""
        return nn.functional.normalize(self.projection(z), dim=1)


def contrast(model, x, graph, settings, generator, blocks=None):
    """Agreement of two augmented views of the slice."""
    s, views = settings, []
    for edges, features in zip(s["drop_edges"], s["drop_features"], strict=True):
        view = graph.with_dropped_edges(edges, generator)
        z = model.encoder(mask_features(x, features, generator), view)
        views.append(model.project(z))
    anchors = None
    if s["anchors"] is not None and s["anchors"] < len(x):
        anchors = torch.randperm(len(x), generator=generator, device=x.device)[: s["anchors"]]
    return grace_loss(*views, s["temperature"], anchors, blocks)


def follow(z, arrays, n_prototypes, seed):
    """KMeans centres (k, d) and labels (n,) of embeddings as tensors, from those before.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    arrays : dict of str to array
        ``centres`` and ``labels``, replaced; without them KMeans starts anew.
    n_prototypes, seed : int
    """
    values = z.detach().cpu().numpy()
    if arrays:
        centres, labels = arrays["centres"], arrays["labels"]
    else:
        labels = heads.kmeans(values, n_prototypes, seed)
        centres = prototypes.class_means(values, labels, n_prototypes)
    centres, labels = prototypes.refresh(values, centres, labels, seed)
    arrays.update(centres=centres, labels=labels)
    return (torch.from_numpy(v).to(z.device) for v in (centres, labels))


def train(model, x, graph, task, history, checkpoint):
    """Descend on the contrast and the prototypes' term."""
    s, blocks = task.settings, Blocks()
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    remedy = f"lower {task.key('lr')} or raise {task.key('temperature')}"
    n_prototypes = min(s["n_prototypes"], len(x))
    state = State("train", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["epochs"]):
        generator = training.generator(x.device, task.seed, "train", epoch)
        agreement = contrast(model, x, graph, s, generator, blocks)
        finite(agreement, remedy)  # KMeans would refuse in words of its own
        z = model.encoder(x, graph)
        nearness = prototype_loss(z, *follow(z, state.arrays, n_prototypes, task.seed))
        value = descend(optimiser, agreement + s["weight_prototypes"] * nearness, remedy)
        terms = {"contrast": agreement.item(), "prototypes": nearness.item()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **terms})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})
    with torch.no_grad():
        return model.encoder(x, graph).cpu().numpy()


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    s, device = task.settings, training.start(task)
    graph = Neighbourhoods.from_scipy(with_self_loops(task.graphs[s["graph"]]), device)
    x = torch.from_numpy(np.ascontiguousarray(task.cells.matrix)).to(device)
    model, history = Model(x.shape[1], s["width"], s["projection_width"]).to(device), []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        z = train(model, x, graph, task, history, checkpoint)
    groups = task.cells.groups(task.graphs.settings["expression_within"])
    if s["labels"] == "leiden":
        labels = heads.leiden(z, groups, task.n_clusters, s["n_neighbors"], task.seed)
    else:
        labels = heads.kmeans(z, task.n_clusters, task.seed)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels, groups=groups),
        z,
        tables={"history": pd.DataFrame(history)},
        cost={"seconds_before": checkpoint.seconds},
    )
