"""stDGCC (Zhang et al. 2024): a variational graph encoder trained against shuffled cells.

The spatial graph joins nearest cells of an image; the authors' radius has no value that fits
slices of every scale. ``self_weight`` is their lambda, 0.8; the spClust paper (appendix B.2)
set 1, with which no cell sees a neighbour. Encoder and decoder have no activations, so their
products are taken over layers first and over cells last: the authors' function and gradients
at their widths, without matrices of cells times 1,024.
"""

import logging
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.decomposition import PCA
from torch import nn

from spclust.contracts import SPATIAL
from spclust.methods import Clustering, original_rows, proteins_and_images
from spclust.parts import dgi, heads, training
from spclust.parts.descent import descend
from spclust.parts.gcn import GCN, WeightedGraph, linear_basis, linear_coefficients
from spclust.parts.graphs import knn_graph

log = logging.getLogger(__name__)

REMEDY = "lower methods.<name>.lr"
LOG_VARIANCE_BOUNDS = (-10.0, 10.0)  # beyond, its exponential swamps all other terms


class Model(nn.Module):
    """Linear graph encoder to mean and log-variance, linear decoder, discriminator."""

    def __init__(self, n_proteins, widths):
        super().__init__()
        *hidden, latent = widths
        sizes, self.latent = [n_proteins, *hidden, latent], latent
        # mean and log-variance side by side are the last layer
        self.encoder = GCN(n_proteins, [*hidden, 2 * latent])
        self.activation = nn.PReLU(latent)
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes[::-1]))
        self.discriminator = dgi.Discriminator(latent)

    def basis(self, x, graph):
        """Proteins spread over the graph, as often as there are layers."""
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
        """Proteins of latent vectors."""
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
    loss = loss + s["weight_reconstruction"] * terms["reconstruction"]
    return loss + s["weight_prior"] * terms["prior"], terms


def spatial_graph(coordinates, images, settings):
    """``(1 - lambda) A0 + lambda I`` of the kNN graph A0 within images."""
    loops, neighbours = settings["self_weight"], settings["n_neighbors"]
    graph = (1 - loops) * knn_graph(coordinates, images, neighbours)
    graph = (graph + loops * sp.eye(len(coordinates), dtype=np.float32)).tocsr()
    graph.eliminate_zeros()
    return graph


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """See :func:`spclust.methods.cluster`; confidence is the neighbours' agreement."""
    s, device = settings, training.pick_device(machine.device)
    training.seed_everything(seed, machine.threads)
    generator, rng = torch.Generator(device).manual_seed(seed), np.random.default_rng(seed)
    proteins, images = proteins_and_images(cells)
    images = np.unique(images, return_inverse=True)[1]
    coordinates = np.asarray(cells.obsm[SPATIAL], dtype=np.float64)
    graph = WeightedGraph.from_scipy(spatial_graph(coordinates, images, s), device)
    x = torch.from_numpy(np.ascontiguousarray(proteins)).to(device)
    model = Model(x.shape[1], s["hidden_dims"]).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"])
    true = model.basis(x, graph)
    for epoch in training.progress(s["epochs"], "train"):
        # cells swap proteins within their image: staining differs between images anyway
        order = torch.from_numpy(dgi.shuffled_within(images, rng)).to(device)
        corrupted = model.basis(x.index_select(0, order), graph)
        loss, terms = objective(model, x, true, corrupted, s, generator)
        descend(optimiser, loss, REMEDY)
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v.item(), 4) for k, v in terms.items()})
    with torch.no_grad():
        ((mean, _),) = model.distributions(true)
        z = model.activation(mean).cpu().numpy()
    # a linear encoder spans no more directions than there are proteins
    components = min(s["pca_components"], *z.shape, x.shape[1])
    reduced = PCA(components, random_state=seed).fit_transform(z)
    labels = heads.kmeans(reduced, n_clusters, seed, s["n_init"])
    confidence = heads.neighbour_agreement(reduced, images, labels)
    rows = original_rows(cells)
    return Clustering(labels[rows], confidence[rows], z[rows])
