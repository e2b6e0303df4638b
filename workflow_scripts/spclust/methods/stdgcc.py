"""stDGCC (Zhang et al. 2024): a variational graph encoder trained against shuffled cells.

The card asks for a spatial graph of nearest cells; the authors' radius has no value that fits
slices of every scale. ``self_weight`` is their lambda, 0.8; the spClust paper (appendix B.2)
set 1, with which no cell sees a neighbour. Encoder and decoder have no activations, so their
products are taken over layers first and over cells last: the authors' function and gradients
at their widths, without matrices of cells times 1,024.
"""

import logging
from itertools import pairwise

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.decomposition import PCA
from torch import nn

from spclust.clustering import heads
from spclust.methods.task import Clustering
from spclust.nn import dgi, training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gcn import GCN, linear_basis, linear_coefficients
from spclust.nn.gradient_step import descend
from spclust.nn.neighbourhoods import Neighbourhoods

log = logging.getLogger(__name__)

LOG_VARIANCE_BOUNDS = (-10.0, 10.0)  # beyond, its exponential swamps all other terms


class Model(nn.Module):
    """Linear graph encoder to mean and log-variance, linear decoder, discriminator."""

    def __init__(self, n_features, widths):
        super().__init__()
        *hidden, latent = widths
        sizes, self.latent = [n_features, *hidden, latent], latent
        # mean and log-variance side by side are the last layer
        self.encoder = GCN(n_features, [*hidden, 2 * latent])
        self.activation = nn.PReLU(latent)
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes[::-1]))
        self.discriminator = dgi.Discriminator(latent)

    def basis(self, x, graph):
        """Features spread over the graph, as often as there are layers."""
        return linear_basis(x, graph, len(self.encoder.layers))

    def distributions(self, *bases):
        """Mean and log-variance of each cell's latent vector, for each basis."""
        layers = self.encoder.layers
        coefficients = linear_coefficients(layers, layers[0].weight.shape[0])
        for basis in bases:
            mean, log_variance = (basis @ coefficients).split(self.latent, dim=1)
            yield mean, log_variance.clamp(*LOG_VARIANCE_BOUNDS)

    def sample(self, mean, log_variance, generator):
        """A draw from it, activated."""
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return self.activation(mean + noise * (0.5 * log_variance).exp())

    def decode(self, z):
        """Features of latent vectors."""
        weight, bias = None, None
        for layer in reversed(self.decoder):
            bias = layer.bias if bias is None else bias + layer.bias @ weight
            weight = layer.weight.t() if weight is None else layer.weight.t() @ weight
        return z @ weight + bias


def objective(model, x, true, corrupted, settings, generator):
    """Weighted sum of contrast, reconstruction and divergence from the prior, and the terms.

    ``true`` and ``corrupted`` are the bases of the cells as they are and shuffled.
    """
    s, n = settings, len(x)
    (mean, log_variance), shuffled = model.distributions(true, corrupted)
    positive = model.sample(mean, log_variance, generator)
    negative = model.sample(*shuffled, generator)
    terms = {
        "infomax": dgi.infomax(positive, negative, model.discriminator),
        "cosine": dgi.cosine_separation(positive, negative),
        "reconstruction": (model.decode(positive) - x).square().sum() / n,
        "prior": 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / n,
    }
    loss = s["weight_contrast"] * (terms["infomax"] + terms["cosine"])
    loss = loss + reconstruction_weight(s, x.shape[1]) * terms["reconstruction"]
    return loss + s["weight_prior"] * terms["prior"], terms


def reconstruction_weight(settings, n_features):
    """The weight as set, or what makes few features count as 3,000 genes do at 0.05."""
    weight = settings["weight_reconstruction"]
    return 0.05 * 3000 / n_features if weight == "auto" else weight


def with_own_weight(graph, self_weight):
    """``(1 - lambda) A0 + lambda I`` of a graph A0."""
    mixed = (1 - self_weight) * graph + self_weight * sp.eye(graph.shape[0], dtype=np.float32)
    mixed = mixed.tocsr()
    mixed.eliminate_zeros()
    return mixed


def train(model, x, graph, task, history, checkpoint):
    """Descend on the objective, against cells shuffled anew in each epoch."""
    s, images = task.settings, task.cells.groups("image")
    # fused: there are more weights than numbers of a slice, and each is visited once a step
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"], fused=True)
    true = model.basis(x, graph)
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        generator = training.generator(x.device, task.seed, "train", epoch)
        # cells swap features within their image: staining differs between images anyway
        order = dgi.shuffled_within(images, np.random.default_rng([task.seed, epoch]))
        order = torch.from_numpy(order).to(x.device)
        corrupted = model.basis(x.index_select(0, order), graph)
        loss, terms = objective(model, x, true, corrupted, s, generator)
        value = descend(optimiser, loss, f"lower {task.key('lr')}")
        terms = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **terms})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})
    with torch.no_grad():
        ((mean, _),) = model.distributions(true)
        return model.activation(mean).cpu().numpy()


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    s, device = task.settings, training.start(task)
    adjacency = with_own_weight(task.graphs["spatial"], s["self_weight"])
    graph = Neighbourhoods.from_scipy(adjacency, device)
    x = torch.from_numpy(np.ascontiguousarray(task.cells.matrix)).to(device)
    model, history = Model(x.shape[1], s["hidden_dims"]).to(device), []
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('hidden_dims')}, or set device: cpu"),
    ):
        z = train(model, x, graph, task, history, checkpoint)
    # a linear encoder spans no more directions than there are features
    components = min(s["pca_components"], *z.shape, x.shape[1])
    reduced = PCA(components, random_state=task.seed).fit_transform(z)
    labels = heads.kmeans(reduced, task.n_clusters, task.seed, s["n_init"])
    return Clustering(
        labels,
        heads.neighbour_agreement(reduced, labels),
        z,
        tables={"history": pd.DataFrame(history)},
        cost={"seconds_before": checkpoint.seconds},
    )
