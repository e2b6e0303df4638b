"""scDeepCluster (Tian et al. 2019): a denoising autoencoder that learns to cluster.

The authors model counts with a zero-inflated negative binomial. Protein intensities are no
counts, so by default the reconstruction is Gaussian (a variance per protein); on counts
``likelihood: zinb`` is theirs. No graph, no coordinates.
"""

import logging

import numpy as np
import torch
from torch import nn

from spclust.errors import UserError
from spclust.methods import Clustering, original_rows, proteins_and_images
from spclust.parts import dec, heads, prototypes, training
from spclust.parts.autoencoder import DenoisingAutoencoder
from spclust.parts.descent import descend

log = logging.getLogger(__name__)

REMEDY = "lower methods.<name>.pretrain_lr or methods.<name>.lr"
INFERENCE_CELLS = 4096


def inputs_and_targets(x, likelihood):
    """What the encoder sees, what is reconstructed, and the size factor of each cell.

    Raises
    ------
    UserError
        When counts are needed and ``x`` holds none.
    """
    if likelihood == "gaussian":
        return x, x, np.ones((len(x), 1), dtype=np.float32)
    odd = np.argwhere((x < 0) | (x != np.round(x)))
    if len(odd):
        row, column = odd[0]
        raise UserError(
            f"methods.<name>.likelihood: zinb is for counts, and the prepared value of cell "
            f"{row + 1}, protein {column + 1} is {x[row, column]:g}; set likelihood: gaussian, or, "
            "if the slice holds counts, run the method on a preprocess setting with "
            "{normalisation: none, scale: false, clip: null} and without oversample"
        )
    total = np.maximum(x.sum(1, keepdims=True), 1)
    size = total / np.median(total)
    logged = np.log1p(x / size)
    spread = np.maximum(logged.std(0), 1e-6)
    return (logged - logged.mean(0)) / spread, x, size


def batches(n, size, generator, device):
    """All rows once, in random order."""
    return torch.randperm(n, generator=generator, device=device).split(size)


@torch.no_grad()
def embed(model, x):
    """Bottleneck of all cells, without noise."""
    return torch.cat([model.encode(part) for part in x.split(INFERENCE_CELLS)])


@torch.no_grad()
def soft_labels(z, centres):
    """Shares of all clusters (n, c) of all cells."""
    return torch.cat([dec.soft_labels(part, centres) for part in z.split(INFERENCE_CELLS)])


def pretrain(model, data, settings, generator):
    """First stage: reconstruction alone."""
    x = data[0]
    optimiser = torch.optim.Adam(model.parameters(), lr=settings["pretrain_lr"], amsgrad=True)
    for epoch in training.progress(settings["pretrain_epochs"], "pretrain"):
        losses = [
            descend(optimiser, model.loss(*(part[rows] for part in data), generator), REMEDY)
            for rows in batches(len(x), settings["batch_cells"], generator, x.device)
        ]
        if epoch in (1, settings["pretrain_epochs"]):
            log.info("pre-training epoch %d: reconstruction %.4f", epoch, np.mean(losses))


def train(model, centres, data, settings, generator):
    """Second stage: reconstruction and clustering; stops when few labels still change."""
    s, x = settings, data[0]
    optimiser = torch.optim.Adadelta([*model.parameters(), centres], lr=s["lr"], rho=0.95)
    previous, changes = None, []
    for _ in training.progress(s["epochs"], "train"):
        q = soft_labels(embed(model, x), centres)
        p, labels = dec.target_distribution(q), q.argmax(1)
        changes.append(1.0 if previous is None else (labels != previous).float().mean().item())
        if changes[-1] < s["tolerance"]:
            break
        previous = labels
        for rows in batches(len(x), s["batch_cells"], generator, x.device):
            part = [values[rows] for values in data]
            clustering = dec.divergence(p[rows], dec.soft_labels(model.encode(part[0]), centres))
            loss = model.loss(*part, generator) + s["weight_clustering"] * clustering
            descend(optimiser, loss, REMEDY)
    log.info(
        "clustering stage left in epoch %d, %.2f %% of labels changed",
        len(changes), 100 * changes[-1],
    )  # fmt: skip


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the soft label of the own cluster."""
    s, device = settings, training.pick_device(machine.device)
    training.seed_everything(seed, machine.threads)
    generator = torch.Generator(device).manual_seed(seed)
    proteins = proteins_and_images(cells)[0]
    data = [
        torch.from_numpy(np.ascontiguousarray(part)).to(device)
        for part in inputs_and_targets(proteins, s["likelihood"])
    ]
    model = DenoisingAutoencoder(
        proteins.shape[1], s["hidden_dims"], s["noise"], s["likelihood"]
    ).to(device)
    pretrain(model, data, s, generator)
    z = embed(model, data[0]).cpu().numpy()
    labels = heads.kmeans(z, n_clusters, seed, s["n_init"])
    means = prototypes.class_means(z, labels, n_clusters)
    centres = nn.Parameter(torch.from_numpy(means).to(device))
    train(model, centres, data, s, generator)
    z = embed(model, data[0])
    q = soft_labels(z, centres).cpu().numpy()
    labels, rows = heads.ordered_by_size(q.argmax(1)), original_rows(cells)
    return Clustering(labels[rows], q.max(1)[rows], z.cpu().numpy()[rows])
