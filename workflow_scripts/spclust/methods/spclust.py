"""spClust: dual-view graph contrastive learning with soft-modularity clustering.

Algorithm 1 of the paper from line 5 on; lines 1 to 4 are the stages before this one. Where
the paper leaves a choice, the reading taken is the default of the setting named in the code.
"""

import io
import logging

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import adjusted_rand_score
from torch import nn

from spclust.contracts import PSEUDOLABEL, SPATIAL
from spclust.errors import UserError
from spclust.methods import Clustering, original_rows, proteins_and_images
from spclust.parts import losses, prototypes, training
from spclust.parts.batches import Batches
from spclust.parts.budget import Budget, advised, announce
from spclust.parts.checkpoints import Checkpoint, State, key_of
from spclust.parts.descent import descend
from spclust.parts.encoders import GraphAttentionEncoder, ProjectionHead

log = logging.getLogger(__name__)

REMEDY = (
    "lower methods.<name>.lr or methods.<name>.pretrain_lr, or raise methods.<name>.temperature"
)
RECONSTRUCTION = {"cross_entropy": losses.adjacency_cross_entropy, "bce": losses.adjacency_bce}


class SpClust(nn.Module):
    """Parameters of the method: encoder, projection, importances E, fusion W, prototypes P."""

    def __init__(self, n_proteins, n_clusters, settings):
        super().__init__()
        s, width = settings, settings["hidden_dims"][-1]
        self.encoder = GraphAttentionEncoder(
            n_proteins, s["hidden_dims"], s["heads"], s["residual"], s["last_activation"]
        )
        self.projection = ProjectionHead(width, s["projection_layers"], s["residual_projection"])
        # at one, the first view starts as the plain proteins that pre-training saw
        self.importance = nn.Parameter(torch.ones(n_clusters, n_proteins))
        self.importance.requires_grad_(s["learn_importance"])
        self.fusion = nn.Linear(2 * width, 2)
        self.prototypes = nn.Parameter(torch.zeros(n_clusters, width))
        gammas = [s[f"weight_{term}"] for term in ("reconstruction", "modularity", "alignment")]
        self.gammas = nn.Parameter(torch.tensor(gammas), requires_grad=s["learn_weights"])

    def encode_expression(self, x, views, labels=None):
        """Z of the first view, Eq. 5 and 6; without labels no protein is weighted."""
        weighted = x if labels is None else self.importance.index_select(0, labels) * x
        return self.encoder(weighted, views[0].neighbourhoods)

    def encode(self, x, views, labels=None):
        """Z of both views."""
        return (
            self.encode_expression(x, views, labels),
            self.encoder(x, views[1].neighbourhoods),
        )

    def project(self, z1, z2):
        """H of both views, Eq. 7."""
        return self.projection(z1), self.projection(z2)

    def fuse(self, h1, h2):
        """Weights of both views and the fused embedding, Eq. 12."""
        weights = self.fusion(torch.cat([h1, h2], dim=1)).softmax(dim=1)
        return weights, weights[:, :1] * h1 + weights[:, 1:] * h2

    def assign(self, embedding, temperature):
        """Soft labels, Eq. 13 for the fused embedding and Eq. 17 for the expression view."""
        p = nn.functional.normalize(self.prototypes, dim=1)
        return (embedding @ p.t() / temperature).softmax(dim=1)


def reconstruction(z, batch, settings):
    """Eq. 11."""
    loss = RECONSTRUCTION[settings["reconstruction"]]
    return sum(
        loss(zv, view.neighbourhoods, view.target, batch.anchors)
        for zv, view in zip(z, batch.views)
    )


def objective(model, batch, labels, settings):
    """Eq. 16 and its terms."""
    s = settings
    z = model.encode(batch.x, batch.views, labels)
    h1, h2 = model.project(*z)
    weights, fused = model.fuse(h1, h2)
    soft = model.assign(fused, s["assignment_temperature"])
    terms = {
        "contrastive": losses.info_nce(
            h1, h2, s["temperature"], s["include_positive"], batch.anchors
        ),
        "reconstruction": reconstruction(z, batch, s),
        "modularity": losses.soft_modularity(soft, batch.views[0].neighbourhoods),
        "alignment": losses.importance_alignment(
            model.importance, model.prototypes, s["normalise_alignment"]
        ),
    }
    gamma = model.gammas
    loss = (
        terms["contrastive"]
        + gamma[0] * terms["reconstruction"]
        - gamma[1] * terms["modularity"]
        + gamma[2] * terms["alignment"]
    )
    terms = {name: value.item() for name, value in terms.items()}
    return loss, {"loss": loss.item(), **terms, "fusion_expression": weights[:, 0].mean().item()}


def pretrain(model, data, settings, history, checkpoint):
    """Algorithm 1, line 5: the encoder learns to reconstruct both graphs."""
    optimiser = torch.optim.Adam(model.encoder.parameters(), lr=settings["pretrain_lr"])
    state = State("pretrain", model, optimiser, history)
    for epoch in checkpoint.epochs(state, settings["pretrain_epochs"]):
        batch = data.draw(0, epoch)
        loss = reconstruction(model.encode(batch.x, batch.views), batch, settings)
        descend(optimiser, loss, REMEDY)
        history.append({"phase": "pretrain", "epoch": epoch, "reconstruction": loss.item()})


@torch.no_grad()
def warm_start(model, data, pseudolabels, n_clusters, seed):
    """Line 6: KMeans on the pre-trained features; prototypes live where Eq. 13 compares them."""
    z1 = model.encode_expression(data.x, data.views)
    labels = prototypes.initial_clusters(z1.cpu().numpy(), pseudolabels, n_clusters, seed)
    h1 = model.projection(z1).cpu().numpy()
    means = prototypes.class_means(h1, labels, n_clusters)
    model.prototypes.copy_(torch.from_numpy(means))
    return labels


@torch.no_grad()
def refresh(model, optimiser, data, labels, seed):
    """Line 14: prototypes and pseudo-labels from KMeans on the expression view."""
    current = torch.from_numpy(labels).to(data.x.device)
    h1 = model.projection(model.encode_expression(data.x, data.views, current))
    centres, labels = prototypes.refresh(
        h1.cpu().numpy(), model.prototypes.cpu().numpy(), labels, seed
    )
    model.prototypes.copy_(torch.from_numpy(centres))
    # moments of the overwritten prototypes no longer mean anything
    optimiser.state.pop(model.prototypes, None)
    return labels


def train(model, data, labels, seed, settings, history, checkpoint):
    """Lines 7 to 16; returns the labels of the last refresh."""
    optimiser = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], lr=settings["lr"]
    )
    state = State("train", model, optimiser, history, labels)
    for epoch in checkpoint.epochs(state, settings["epochs"]):
        batch = data.draw(1, epoch)
        loss, terms = objective(model, batch, batch.of(state.labels), settings)
        descend(optimiser, loss, REMEDY)
        row = {"phase": "train", "epoch": epoch, **terms}
        if epoch % settings["refresh_every"] == 0:
            previous = state.labels
            state.labels = refresh(model, optimiser, data, previous, seed)
            row["changed_labels"] = float(np.mean(previous != state.labels))
            row["occupied_clusters"] = len(np.unique(state.labels))
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})
        history.append(row)
    return state.labels


def stochastic(settings, n_cells):
    """Whether a slice is trained on in batches; see the setting ``mode``."""
    if settings["mode"] == "auto":
        return n_cells > settings["exact_up_to"]
    return settings["mode"] == "stochastic"


def budget_of(data, settings):
    """Sizes of a training for :func:`spclust.parts.budget.announce`."""
    s, n = settings, len(data.x)
    edges = data.graphs.expression.nnz + data.graphs.spatial.nnz + 2 * n
    rows = n if data.batch_cells is None else data.batch_cells
    return Budget(
        cells=n, slice_edges=edges, step_cells=rows, step_edges=int(edges * rows / n),
        anchors=min(rows, data.anchors or rows), widths=(data.x.shape[1], *s["hidden_dims"]),
        heads=s["heads"], steps=(s["pretrain_epochs"], s["epochs"]),
    )  # fmt: skip


def cluster(cells, n_clusters, seed, settings, graphs, machine):
    """Cluster a balanced slice; see :func:`spclust.methods.cluster`.

    Parameters
    ----------
    cells : AnnData, (n, d)
        Balanced cells with ``obs['pseudolabel']`` and ``obs['synthetic']``.
    graphs : Graphs
        Of all rows.
    """
    s = settings
    odd = [width for width in s["hidden_dims"] if width % s["heads"]]
    if odd:
        raise UserError(
            f"methods.<name>.hidden_dims: {odd[0]} is no multiple of heads ({s['heads']})"
        )
    device = training.pick_device(machine.device)
    training.seed_everything(seed, machine.threads)
    proteins, images = proteins_and_images(cells)
    pseudolabels = cells.obs[PSEUDOLABEL].to_numpy(dtype=np.int64)
    coordinates = np.asarray(cells.obsm[SPATIAL], dtype=np.float64)
    mode = "stochastic" if stochastic(s, len(proteins)) else "exact"
    data = Batches(
        torch.from_numpy(np.ascontiguousarray(proteins)).to(device), graphs, coordinates, images,
        seed, *((s["batch_cells"], s["anchors"]) if mode == "stochastic" else ()),
    )  # fmt: skip
    model, history = SpClust(proteins.shape[1], n_clusters, s).to(device), []
    announce(budget_of(data, s), model.encoder, device, mode)
    key = key_of(
        [proteins, pseudolabels, coordinates, graphs.space, images.astype(str),
         graphs.expression.indptr, graphs.expression.indices, graphs.spatial.indptr,
         graphs.spatial.indices],
        settings=sorted(s.items()), seed=seed, n_clusters=n_clusters, device=device.type,
        threads=machine.threads, torch=torch.__version__, version=machine.version,
    )  # fmt: skip
    phases = ("pretrain", "train")
    checkpoint = Checkpoint(machine.checkpoint, key, phases, machine.checkpoint_every)
    with checkpoint, advised(device):
        pretrain(model, data, s, history, checkpoint)
        labels = None
        if not checkpoint.reached("train"):
            labels = warm_start(model, data, pseudolabels, n_clusters, seed)
        labels = train(model, data, labels, seed, s, history, checkpoint)
        result = summarise(model, data, labels, original_rows(cells), cells.var_names, s, history)
    result.cost |= {"mode": mode, "seconds_before": checkpoint.seconds}
    return result


@torch.no_grad()
def summarise(model, data, labels, original, proteins, settings, history):
    """Line 17: labels of the original cells by Eq. 17, and what else the model learnt."""
    current = torch.from_numpy(labels).to(data.x.device)
    h1, h2 = model.project(*model.encode(data.x, data.views, current))
    weights, fused = model.fuse(h1, h2)
    temperature = settings["assignment_temperature"]
    soft, soft_fused = (model.assign(h, temperature).cpu().numpy()[original] for h in (h1, fused))
    final = soft.argmax(1)
    log.info(
        "agreement of the labels (Eq. 17) with those of the last KMeans: ARI %.4f, with those "
        "of the fused embedding (Eq. 13): ARI %.4f",
        adjusted_rand_score(labels[original], final),
        adjusted_rand_score(soft_fused.argmax(1), final),
    )
    weights = weights.cpu().numpy()[original]
    stored = io.BytesIO()
    torch.save({"settings": settings, "state": model.state_dict()}, stored)
    importance = pd.DataFrame(model.importance.cpu().numpy(), columns=list(proteins))
    importance.insert(0, "cluster", np.arange(len(importance)))
    return Clustering(
        labels=final,
        confidence=soft.max(1),
        embedding=h1.cpu().numpy()[original],
        tables={
            "history": pd.DataFrame(history),
            "fusion": pd.DataFrame({"expression": weights[:, 0], "spatial": weights[:, 1]}),
            "importance": importance,
        },
        model=stored.getvalue(),
    )
