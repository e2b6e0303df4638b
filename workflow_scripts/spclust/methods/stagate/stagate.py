"""STAGATE (Dong and Zhang 2022): an autoencoder that weighs each cell's neighbours by attention.

The authors join spots within a radius chosen to give five to ten neighbours; the card asks for
the nearest six, which fits slices of every scale. Clusters are theirs too: a Gaussian mixture with
one covariance (mclust's EEE), started like it from a hierarchy.
"""

import logging

import numpy as np
import pandas as pd
import torch

from spclust.clustering import heads
from spclust.data import requirements
from spclust.methods.stagate.tied_autoencoder import TiedAttentionAutoencoder
from spclust.methods.task import Clustering
from spclust.neighbours.knn import with_self_loops
from spclust.nn import embedding_clusters as embedded
from spclust.nn import training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gradient_step import descend
from spclust.nn.neighbourhoods import Neighbourhoods

log = logging.getLogger(__name__)


def train(model, x, graph, task, history, checkpoint):
    """Descend on the squared error of the features."""
    s, remedy = task.settings, f"lower {task.key('lr')}"
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], weight_decay=s["weight_decay"])
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        loss = (model(x, graph)[1] - x).square().mean()
        value = descend(optimiser, loss, remedy, s["longest_gradient"])
        history.append({"phase": "train", "epoch": epoch, "loss": value})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: squared error %.4f", epoch, value)
    with torch.no_grad():
        return model.encode(x, graph)[0].cpu().numpy()


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    requirements.several_features(task)
    requirements.places(task)
    s, device = task.settings, training.start(task)
    graph = Neighbourhoods.from_scipy(with_self_loops(task.graphs["spatial"]), device)
    x = torch.from_numpy(np.ascontiguousarray(task.cells.matrix)).to(device)
    model = TiedAttentionAutoencoder(x.shape[1], *s["hidden_dims"], not s["literal"]).to(device)
    history = []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('hidden_dims')}, or set device: cpu"),
    ):
        z = train(model, x, graph, task, history, checkpoint)
    # the mixture's least variance is meant for features of spread one
    scaled = z / max(float(z.std(axis=0).max()), 1e-12)
    labels = embedded.LABELS[s["labels"]](scaled, task.n_clusters, task.seed)
    return Clustering(
        labels,
        heads.neighbour_agreement(z, labels),
        z,
        tables={"history": pd.DataFrame(history)},
        cost={"seconds_before": checkpoint.seconds},
    )
