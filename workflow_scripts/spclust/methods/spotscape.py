"""Spotscape (Oh et al. 2025): cells keep their likeness to all others in two views of the tissue.

A graph convolution network sees the tissue twice, with features and edges left out at random.
What it learns is that all cosines between cells agree (the similarity telescope), beside the
reconstruction of the features. Several slices are brought together by matching the scale of
similarities within and between slices and, after a warm-up, by prototypes at three granularities.

The authors compare all pairs in an n x n matrix; the telescope has a form that needs none
(:mod:`spclust.nn.relational`), so it stays exact at any size. They run KMeans anew in every
epoch, here it goes on from the centres of before.
"""

import logging
from dataclasses import replace

import pandas as pd
import torch
from torch import nn

from spclust.clustering import heads
from spclust.data import requirements
from spclust.methods.task import Clustering
from spclust.nn import relational, training
from spclust.nn.batches import Batches
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gcn import GraphConvolution
from spclust.nn.grace import mask_features
from spclust.nn.gradient_step import descend, finite
from spclust.nn.pairwise import Blocks
from spclust.nn.prototype_contrast import contrast_at_granularities, numbers_of_prototypes

log = logging.getLogger(__name__)

LITERAL_MOMENTUM = 0.99


class Model(nn.Module):
    """Graph convolutions and a mirrored decoder of cells one by one, all with batch norm.

    Literal, statistics of the last step of training normalise the final embedding; else its own.
    """

    def __init__(self, n_features, widths, literal=False):
        super().__init__()

        def norm(width):
            if literal:
                return nn.BatchNorm1d(width, momentum=LITERAL_MOMENTUM)
            return nn.BatchNorm1d(width, track_running_stats=False)

        sizes, decoder = [n_features, *widths], []
        self.layers = nn.ModuleList(map(GraphConvolution, sizes[:-1], sizes[1:]))
        self.norms = nn.ModuleList(map(norm, widths))
        for a, b in zip(widths[:0:-1], widths[-2::-1]):
            decoder += [nn.Linear(a, b), norm(b), nn.ReLU()]
        self.decoder = nn.Sequential(*decoder, nn.Linear(widths[0], n_features))

    def encode(self, x, graph):
        """Non-negative embeddings (n, widths[-1])."""
        for layer, norm in zip(self.layers, self.norms):
            x = norm(layer(x, graph)).relu()
        return x


def terms_of(model, batch, slices, settings, generator, blocks):
    """Terms of the loss that hold from the first epoch on, and both views' embeddings."""
    s, z, squares = settings, [], []
    (x,), graph = batch.features.values(), batch.graphs["spatial"]
    for _ in range(2):
        view = graph.with_dropped_edges(s["drop_edges"], generator)
        z.append(model.encode(mask_features(x, s["drop_features"], generator), view))
        squares.append((model.decoder(z[-1]) - x).square().mean())
    terms = {
        "telescope": relational.relational_consistency(*z),
        "reconstruction": sum(squares) / (2 if s["literal"] else 1),
    }
    if slices is not None:
        terms["scale"] = relational.scale_matching(
            *z, slices, s["top"], s["literal"], batch.anchors, blocks
        )
    return terms, z


def train(model, data, slices, task, history, checkpoint):
    """Descend on the weighted terms; prototypes join them after the warm-up."""
    s, blocks = task.settings, Blocks()
    weights = {name: s[f"weight_{name}"] for name in ("telescope", "reconstruction", "scale")}
    numbers = numbers_of_prototypes(task.n_clusters, s["granularity"])
    remedy = f"lower {task.key('lr')}"
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    state = State("train", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["epochs"]):
        generator = training.generator(data.device, task.seed, "train", epoch)
        batch = data.draw(epoch)
        of_batch = None if slices is None else batch.of(slices)
        terms, z = terms_of(model, batch, of_batch, s, generator, blocks)
        loss = sum(weights[name] * term for name, term in terms.items())
        if slices is not None and epoch > s["warm_up"] * s["epochs"]:
            finite(loss, remedy)  # KMeans would refuse in words of its own
            terms["prototypes"] = contrast_at_granularities(
                *z, state.arrays, numbers, s["temperature"], task.seed
            )
            loss = loss + s["weight_prototypes"] * terms["prototypes"]
        value = descend(optimiser, loss, remedy)
        row = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **row})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in row.items()})


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    requirements.several_features(task)
    requirements.places(task)
    s, device, cells = task.settings, training.start(task), task.cells
    slices = cells.groups("slice")
    slices = slices if slices.max() > 0 else None
    whole = replace(cells, features={"all": cells.matrix})
    sizes = s["batch_cells"], s["anchors"]
    data = Batches(whole, task.graphs, device, task.seed, *sizes, expression=[])
    model = Model(cells.matrix.shape[1], s["hidden_dims"], s["literal"]).to(device)
    history = []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('batch_cells')}, or set device: cpu"),
    ):
        train(model, data, slices, task, history, checkpoint)
        with torch.no_grad():
            z = model.eval().encode(data.features["all"], data.graph("spatial")).cpu().numpy()
    labels = heads.kmeans(z, task.n_clusters, task.seed)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels),
        z,
        tables={"history": pd.DataFrame(history)},
        cost={"seconds_before": checkpoint.seconds},
    )
