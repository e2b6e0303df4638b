"""SpatialGlue (Long et al. 2024): attention within and between modalities.

What a modality's embedding loses on the way through another modality is part of the loss. The
authors' program is for two modalities; here the way leads through each of the others, and of
one modality there is none.
"""

import logging

import pandas as pd
import torch

from spclust.methods.task import Clustering
from spclust.nn import modalities, training
from spclust.nn.batches import Batches
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.dual_graphs import DualGraphs
from spclust.nn.embedding_clusters import labelled
from spclust.nn.gradient_step import descend

log = logging.getLogger(__name__)


def data_of(task, device):
    """Features (list of Tensor), expression graphs and spatial graph of a task's cells."""
    modalities.warn_of_one(task.cells)
    data = Batches(task.cells, task.graphs, device, task.seed)
    return list(data.features.values()), data.expression_graphs(), data.graph("spatial")


def summarise(encoded, task, history, checkpoint):
    """The clustering that encoded cells (:class:`spclust.nn.dual_graphs.Encoded`) leave."""
    names = list(task.cells.features)
    shares = torch.stack([weights[:, 0] for weights in encoded.within], dim=1)
    # what is left to one is the expression graph's
    per_cell = {"spatial_share": pd.DataFrame(shares.cpu().numpy(), columns=names)}
    if encoded.between is not None:
        per_cell["fusion"] = pd.DataFrame(encoded.between.cpu().numpy(), columns=names)
    return Clustering(
        **labelled(encoded.z, task),
        tables={"history": pd.DataFrame(history)},
        per_cell=per_cell,
        cost={"seconds_before": checkpoint.seconds},
    )


def objective(model, features, expression, space, reconstruction, correspondence):
    """Weighted sum of both errors, and the terms; the last two are weights of the modalities."""
    encoded = model.encode(zip(features, features), expression, space)
    decoded = model.decode(encoded.z, space)
    ways = model.correspondence(encoded.parts, space)
    terms = {
        "reconstruction": modalities.squared_error(features, decoded, reconstruction),
        "correspondence": sum(w * way for w, way in zip(correspondence, ways, strict=True)),
    }
    return sum(terms.values()), terms


def train(model, data, task, history, checkpoint):
    """Descend on the objective."""
    s = task.settings
    weights = [
        modalities.weights_in(task, "weight_reconstruction", needed=True),
        modalities.weights_in(task, "weight_correspondence"),
    ]
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"])
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        loss, terms = objective(model, *data, *weights)
        value = descend(optimiser, loss, f"lower {task.key('lr')}")
        terms = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **terms})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    s, device, history = task.settings, training.start(task), []
    features, expression, space = data = data_of(task, device)
    model = DualGraphs([x.shape[1] for x in features], s["width"], "attention").to(device)
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        train(model, data, task, history, checkpoint)
        with torch.no_grad():
            encoded = model.encode(zip(features, features), expression, space)
        return summarise(encoded, task, history, checkpoint)
