"""scDeepCluster (Tian et al. 2019): a denoising autoencoder that learns to cluster.

The authors model counts with a zero-inflated negative binomial. Protein intensities are no
counts, so by default the reconstruction is Gaussian (a variance per feature); on counts
``likelihood: zinb`` is theirs. No graph, no coordinates.
"""

import logging

import numpy as np
import pandas as pd
import torch
from torch import nn

from spclust.clustering import heads, prototypes
from spclust.errors import UserError
from spclust.methods.task import Clustering
from spclust.nn import dec, training
from spclust.nn.autoencoder import DenoisingAutoencoder, multilayer
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gradient_step import descend

log = logging.getLogger(__name__)

INFERENCE_CELLS = 4096


class Model(nn.Module):
    """Autoencoder and cluster centres."""

    def __init__(self, n_features, n_clusters, settings):
        super().__init__()
        s = settings
        self.autoencoder = DenoisingAutoencoder(
            n_features, s["hidden_dims"], s["noise"], s["likelihood"]
        )
        self.centres = nn.Parameter(torch.zeros(n_clusters, s["hidden_dims"][-1]))


def check_counts(task):
    """Raise UserError unless the cells hold counts of a single modality."""
    key, modalities = task.key("likelihood"), task.cells.features
    if len(modalities) > 1:
        raise UserError(
            f"{key}: zinb is for the counts of one modality, and these cells have "
            f"{', '.join(modalities)}; set likelihood: gaussian, or run the method on a dataset "
            "of the counts alone"
        )
    x = task.cells.matrix
    odd = np.argwhere((x < 0) | (x != np.round(x)))
    if len(odd):
        row, column = odd[0]
        raise UserError(
            f"{key}: zinb is for counts, and the prepared value of cell "
            f"{task.cells.ids[row]!r}, feature {task.cells.feature_names[column]!r} is "
            f"{x[row, column]:g}; set likelihood: gaussian, or, if the slice holds counts, run the "
            "method on a preprocess setting with {normalisation: none, scale: false, clip: null} "
            "and without oversample"
        )


def inputs_of(counts, constants):
    """What the encoder sees of counts (n, d), and the size factor (n, 1) of each cell."""
    size = np.maximum(counts.sum(1, keepdims=True), 1) / constants["total"]
    return (np.log1p(counts / size) - constants["mean"]) / constants["spread"], size


def constants_of(counts):
    """Median total of the cells; mean and spread of each feature, logged, at equal depth."""
    total = np.median(np.maximum(counts.sum(1), 1))
    logged, _ = inputs_of(counts, {"total": total, "mean": 0, "spread": 1})
    return {"total": total, "mean": logged.mean(0), "spread": np.maximum(logged.std(0), 1e-6)}


def tensors(arrays, device):
    """Arrays as float32 tensors of a device."""
    return [torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)).to(device) for a in arrays]


def batches(n, size, generator, device):
    """All rows once, in random order."""
    return torch.randperm(n, generator=generator, device=device).split(size)


@torch.no_grad()
def embed(encoder, x):
    """Bottleneck of all cells, without noise."""
    return torch.cat([encoder(part) for part in x.split(INFERENCE_CELLS)])


@torch.no_grad()
def soft_labels(z, centres):
    """Shares of all clusters (n, c) of all cells."""
    return torch.cat([dec.soft_labels(part, centres) for part in z.split(INFERENCE_CELLS)])


def pretrain(model, data, task, history, checkpoint, remedy):
    """First stage: reconstruction alone."""
    s, x, autoencoder = task.settings, data[0], model.autoencoder
    # fused: of thousands of genes there are millions of weights, each visited once a step
    weights = autoencoder.parameters()
    optimiser = torch.optim.Adam(weights, lr=s["pretrain_lr"], amsgrad=True, fused=True)
    state = State("pretrain", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["pretrain_epochs"]):
        generator = training.generator(x.device, task.seed, "pretrain", epoch)
        losses = [
            descend(optimiser, autoencoder.loss(*(part[rows] for part in data), generator), remedy)
            for rows in batches(len(x), s["batch_cells"], generator, x.device)
        ]
        history.append({"phase": "pretrain", "epoch": epoch, "loss": float(np.mean(losses))})
        if epoch in (1, s["pretrain_epochs"]):
            log.info("pre-training epoch %d: reconstruction %.4f", epoch, history[-1]["loss"])


def place_centres(model, x, task):
    """The centres of KMeans on what pre-training made of the cells."""
    z = embed(model.autoencoder.encoder, x).cpu().numpy()
    labels = heads.kmeans(z, task.n_clusters, task.seed, task.settings["n_init"])
    means = prototypes.class_means(z, labels, task.n_clusters)
    with torch.no_grad():
        model.centres.copy_(torch.from_numpy(means))


def train(model, data, task, history, checkpoint, remedy):
    """Second stage: reconstruction and clustering; stops when few labels still change."""
    s, x, autoencoder = task.settings, data[0], model.autoencoder
    optimiser = torch.optim.Adadelta(model.parameters(), lr=s["lr"], rho=0.95)
    state = State("train", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["epochs"]):
        q = soft_labels(embed(autoencoder.encoder, x), model.centres)
        p, labels = dec.target_distribution(q), q.argmax(1).cpu().numpy()
        previous = state.arrays.get("labels")
        changed = 1.0 if previous is None else float((labels != previous).mean())
        if changed < s["tolerance"]:
            log.info(
                "epoch %d: %.2f %% of labels changed, few enough to stop", epoch, 100 * changed
            )
            break
        state.arrays["labels"] = labels
        generator = training.generator(x.device, task.seed, "train", epoch)
        losses = []
        for rows in batches(len(x), s["batch_cells"], generator, x.device):
            part = [values[rows] for values in data]
            shares = dec.soft_labels(autoencoder.encode(part[0]), model.centres)
            loss = autoencoder.loss(*part, generator)
            loss = loss + s["weight_clustering"] * dec.divergence(p[rows], shares)
            losses.append(descend(optimiser, loss, remedy))
        history.append(
            {
                "phase": "train",
                "epoch": epoch,
                "loss": float(np.mean(losses)),
                "changed_labels": changed,
            }
        )
    else:
        log.info("all %d epochs of the clustering stage are done", s["epochs"])


def label(encoder, centres, x):
    """Clustering of cells by the nearest centres; confidence is the share of the own cluster."""
    z = embed(encoder, x)
    q = soft_labels(z, centres).cpu().numpy()
    return Clustering(q.argmax(1), q.max(1), z.cpu().numpy())


def cluster(task):
    """See :func:`.running.cluster`; confidence is the soft label of the own cluster."""
    s, x, constants = task.settings, task.cells.matrix, {}
    inputs, size = x, np.ones((len(x), 1))
    if s["likelihood"] == "zinb":
        check_counts(task)
        constants = constants_of(x)
        inputs, size = inputs_of(x, constants)
    device = training.start(task)
    remedy = f"lower {task.key('pretrain_lr')} or {task.key('lr')}"
    data = tensors((inputs, x, size), device)
    model, history = Model(x.shape[1], task.n_clusters, s).to(device), []
    with (
        checkpoint_of(task, ["pretrain", "train"]) as checkpoint,
        training.advised(device, f"lower {task.key('batch_cells')}, or set device: cpu"),
    ):
        pretrain(model, data, task, history, checkpoint, remedy)
        if not checkpoint.reached("train"):
            place_centres(model, data[0], task)
        train(model, data, task, history, checkpoint, remedy)
        encoder, centres = model.autoencoder.encoder, model.centres.detach()
        clusters = soft_labels(embed(encoder, data[0]), centres).argmax(1)
        # the largest cluster first, empty ones last
        sizes = clusters.bincount(minlength=task.n_clusters)
        centres = centres[sizes.argsort(descending=True, stable=True)]
        result = label(encoder, centres, data[0])
    weights = {f"encoder.{name}": v.cpu().numpy() for name, v in encoder.state_dict().items()}
    result.weights = {"centres": centres.cpu().numpy(), **weights, **constants}
    result.tables["history"] = pd.DataFrame(history)
    result.cost["seconds_before"] = checkpoint.seconds
    return result


def predict(weights, task):
    """Label cells by a trained encoder and its centres."""
    s, x = task.settings, task.cells.matrix
    device = training.start(task)
    if s["likelihood"] == "zinb":
        check_counts(task)
        x, _ = inputs_of(x, weights)
    encoder = multilayer([x.shape[1], *s["hidden_dims"]])
    state = {n: torch.from_numpy(v) for n, v in weights.items() if n.startswith("encoder.")}
    encoder.load_state_dict({n.removeprefix("encoder."): v for n, v in state.items()})
    x, centres = tensors((x, weights["centres"]), device)
    return label(encoder.to(device), centres, x)
