"""PRAGA (Huang et al. 2025): modalities fused over graphs that are learnt.

Each modality has the graph of its nearest profiles, whose edges are learnt, mixed with the spatial
graph; the embedding of all is to reconstruct each of them. That is what the authors' program
does on lymph nodes, where training ends before its prototypes come in. Prototypes without
augmentation are `crct` with ``strength: 0`` and ``weight_augmented: 0``; what :mod:`crct
<spclust.methods.crct.crct>` adds beyond is the difference of the two cards.
"""

import logging

import pandas as pd
import torch

from spclust.methods.praga.fused_graphs import FusedGraphs
from spclust.methods.task import Clustering
from spclust.nn import modalities, training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.embedding_clusters import labelled
from spclust.nn.gradient_step import descend

log = logging.getLogger(__name__)

MOMENTUM = 0.9


def model_of(task, device):
    """A new model over the graphs of a task."""
    s, cells, graphs = task.settings, task.cells, task.graphs
    space, learnt = graphs["spatial"], [graphs[name] for name in graphs.of_modalities()]
    modalities.warn_of_one(cells)
    widths = [x.shape[1] for x in cells.features.values()]
    memory, decoder = s["graph_memory"], s["decoder"]
    return FusedGraphs(widths, s["width"], space, learnt, memory, decoder, device)


def optimiser_of(model, settings):
    """The authors': gradient descent with momentum."""
    return torch.optim.SGD(
        model.parameters(), settings["lr"], MOMENTUM, weight_decay=settings["weight_decay"]
    )


def remedy(task):
    """What to change where the loss is no number."""
    return f"lower {task.key('lr')} or {task.key('weight_reconstruction')}"


def summarise(model, features, task, history, checkpoint):
    """The clustering that a trained model leaves."""
    with torch.no_grad():
        z = model.encode(features)
        shares = torch.stack([graph.shares() for graph in model.graphs]).cpu().numpy()
    mixture = pd.DataFrame(shares, columns=["spatial", "expression"])
    mixture.insert(0, "modality", list(task.cells.features))
    return Clustering(
        **labelled(z, task),
        tables={"history": pd.DataFrame(history), "mixture": mixture},
        cost={"seconds_before": checkpoint.seconds},
    )


def train(model, features, task, history, checkpoint):
    """Descend on the reconstruction and the graphs' distance from their anchors."""
    s = task.settings
    weights = modalities.weights_in(task, "weight_reconstruction", needed=True)
    optimiser = optimiser_of(model, s)
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        decoded = model.decode(model.encode(features))
        terms = {
            "reconstruction": modalities.squared_error(features, decoded, weights),
            "graph": model.drift(),
        }
        loss = terms["reconstruction"] + s["weight_graph"] * terms["graph"]
        value = descend(optimiser, loss, remedy(task))
        model.remember()
        terms = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **terms})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    device, history = training.start(task), []
    model = model_of(task, device)
    features = modalities.tensors(task.cells, device)
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        train(model, features, task, history, checkpoint)
        return summarise(model, features, task, history, checkpoint)
