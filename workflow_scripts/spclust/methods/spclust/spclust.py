"""spClust: graph contrastive learning of several views with soft-modularity clustering.

Algorithm 1 of the paper from line 5 on; lines 1 to 4 are the stages before this one. Where
the paper leaves a choice, the reading taken is the default of the setting named in the code.

The paper has two views, expression and space. Of several modalities each has an expression view,
weighted by importances E and encoded by an encoder of its own; the one spatial view is the mean
of what these encoders make of the spatial graph. Contrast is the mean over pairs of views,
modularity and alignment the mean over modalities. For one modality this is the paper's method.
"""

import logging
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin

from spclust.clustering import prototypes
from spclust.data.contradictions import refuse_contradiction
from spclust.errors import UserError
from spclust.methods.spclust import losses
from spclust.methods.spclust.augment import augmented
from spclust.methods.spclust.importances import importance_tables
from spclust.methods.spclust.vote_teacher import check_vote, held, teacher_of
from spclust.methods.task import Clustering
from spclust.nn import training
from spclust.nn.batches import Batches, sources
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.gradient_step import descend
from spclust.nn.pairwise import Blocks
from spclust.nn.views import SpClust, expression_embedding, mean

log = logging.getLogger(__name__)

RECONSTRUCTION = {"cross_entropy": losses.adjacency_cross_entropy, "bce": losses.adjacency_bce}
# of labels and encodings that depend on each other, in `predict`
ROUNDS = 5


def reconstruction(z, batch, settings, blocks):
    """Eq. 11, summed over views."""
    loss = RECONSTRUCTION[settings["reconstruction"]]
    return sum(loss(zv, g, batch.anchors, blocks) for zv, g in zip(z, batch.graphs.values()))


def objective(model, batch, labels, settings, blocks, seen=None, teacher=None):
    """Eq. 16 and its terms; what is encoded is ``seen``, by default the batch itself.

    With a :class:`~spclust.methods.spclust.vote_teacher.Teacher` the labels of Eq. 17 learn from
    it, too.
    """
    s, seen = settings, seen or batch
    z = model.encode(seen.features, seen.graphs, labels, seen.beside)
    h = model.project(z)
    weights, fused = model.fuse(h)
    soft = model.assign(fused, s["assignment_temperature"])
    *expression, _ = batch.graphs.values()
    terms = {
        "contrastive": mean(
            [
                losses.info_nce(
                    a, b, s["temperature"], s["include_positive"], batch.anchors, blocks
                )
                for a, b in combinations(h, 2)
            ]
        ),
        "reconstruction": reconstruction(z, batch, s, blocks),
        "modularity": mean([losses.soft_modularity(soft, graph) for graph in expression]),
        "alignment": mean(
            [
                losses.importance_alignment(e, model.prototypes, s["normalise_alignment"])
                for e in model.importances
            ]
        ),
    }
    gamma = model.gammas
    loss = (
        s["weight_contrast"] * terms["contrastive"]
        + gamma[0] * terms["reconstruction"]
        - gamma[1] * terms["modularity"]
        + gamma[2] * terms["alignment"]
    )
    if teacher is not None:
        labelled = model.assign(expression_embedding(h[:-1]), s["assignment_temperature"])
        terms["teacher"] = teacher.loss(labelled, batch)
        loss = loss + s["weight_teacher"] * terms["teacher"]
    terms = {name: value.item() for name, value in terms.items()}
    of_expression = sum(column.mean().item() for column in weights.t()[:-1])
    return loss, {"loss": loss.item(), **terms, "fusion_expression": of_expression}


def remedy(task):
    """What to change where a loss is no number."""
    names = ("lr", "pretrain_lr", "temperature", "assignment_temperature")
    return "lower {} or {}, or raise {} or {}".format(*map(task.key, names))


def pretrain(model, data, task, history, checkpoint, blocks):
    """Algorithm 1, line 5: the encoders learn to reconstruct all graphs."""
    s = task.settings
    optimiser = torch.optim.Adam(model.encoders.parameters(), lr=s["pretrain_lr"])
    state = State("pretrain", model, optimiser, history)
    for epoch in checkpoint.epochs(state, s["pretrain_epochs"]):
        batch = data.draw(0, epoch)
        loss = reconstruction(model.encode(batch.features, batch.graphs), batch, s, blocks)
        descend(optimiser, loss, remedy(task))
        history.append({"phase": "pretrain", "epoch": epoch, "reconstruction": loss.item()})


@torch.no_grad()
def warm_start(model, data, pseudolabels, task):
    """Line 6: first labels; prototypes live where Eq. 13 compares them."""
    n_clusters = task.n_clusters
    z = model.encode_expression(data.features.values(), data.expression_graphs())
    labels = pseudolabels.astype(np.int64)
    if task.settings["start"] == "kmeans":
        side_by_side = torch.cat(z, dim=1).cpu().numpy()
        labels = prototypes.initial_clusters(side_by_side, pseudolabels, n_clusters, task.seed)
    h = expression_embedding(model.project(z)).cpu().numpy()
    means = prototypes.class_means(h, labels, n_clusters)
    model.prototypes.copy_(torch.from_numpy(means))
    return labels


def embed(model, data, labels):
    """The expression embedding of all cells under their labels, a Tensor (n, width)."""
    current = torch.from_numpy(labels).to(data.device)
    z = model.encode_expression(data.features.values(), data.expression_graphs(), current)
    return expression_embedding(model.project(z))


@torch.no_grad()
def refresh(model, optimiser, data, labels, task):
    """Line 14: prototypes and pseudo-labels from the expression view."""
    h, old = embed(model, data, labels).cpu().numpy(), model.prototypes.cpu().numpy()
    centres, labels = prototypes.update(h, old, labels, task.seed, task.settings)
    if centres is not old:
        model.prototypes.copy_(torch.from_numpy(centres))
        # moments of the overwritten prototypes no longer mean anything
        optimiser.state.pop(model.prototypes, None)
    return labels


def train(model, data, task, labels, history, checkpoint, blocks, teacher=None):
    """Lines 7 to 16; returns the labels of the last refresh."""
    s = task.settings
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=s["lr"])
    state = State("train", model, optimiser, history, {"labels": labels})
    for epoch in checkpoint.epochs(state, s["epochs"]):
        batch, previous = data.draw(1, epoch), state.arrays["labels"]
        chance = training.generator(data.device, task.seed, "augment", epoch)
        seen = augmented(batch, s["drop_edges"], s["drop_features"], chance)
        loss, terms = objective(model, batch, batch.of(previous), s, blocks, seen, teacher)
        descend(optimiser, loss, remedy(task))
        row = {"phase": "train", "epoch": epoch, **terms}
        if prototypes.due(epoch, s):
            labels = refresh(model, optimiser, data, previous, task)
            state.arrays = {"labels": labels}
            row["changed_labels"] = float(np.mean(previous != labels))
            row["occupied_clusters"] = len(np.unique(labels))
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})
        history.append(row)
    return state.arrays["labels"]


def stochastic(settings, n_cells):
    """Whether pairwise terms are averaged over anchors; see the setting ``mode``."""
    if settings["mode"] == "auto":
        return n_cells > settings["exact_up_to"]
    return settings["mode"] == "stochastic"


def check(task, needed):
    """Refuse settings that cannot be met, and cells without the graphs that are needed.

    Raises
    ------
    UserError
    """
    refuse_contradiction(f"method.{task.name}", task.settings)
    setting = {"expression": "expression_space", "spatial": "spatial_graph"}
    for kind in needed:
        if kind not in task.graphs.edges:
            raise UserError(
                f"method {task.name} needs a graph of kind {kind}; run it on graphs whose "
                f"{setting[kind]} is not none"
            )


def cluster(task):
    """Cluster balanced cells; see :func:`.running.cluster`."""
    s, cells = task.settings, task.cells
    check(task, sources(s["views"], "expression") + sources(s["views"], "spatial"))
    check_vote(task)
    device = training.start(task)
    mode = "stochastic" if stochastic(s, len(cells)) else "exact"
    sizes = (s["batch_cells"], s["anchors"]) if mode == "stochastic" else (None, None)
    data = Batches(cells, task.graphs, device, task.seed, *sizes, s["views"])
    model, history, blocks = model_of(task).to(device), [], Blocks()
    teacher = teacher_of(task)
    log.info("%s mode: %d cells, views %s", mode, len(cells), [*data.expression, "spatial"])
    short = (
        f"set {task.key('mode')}: stochastic, lower {task.key('batch_cells')}, or add fewer cells "
        "with a higher oversample.<name>.imbalance_ratio"
    )
    with (
        checkpoint_of(task, ["pretrain", "train"]) as checkpoint,
        training.advised(device, short),
    ):
        pretrain(model, data, task, history, checkpoint, blocks)
        labels = None
        if not checkpoint.reached("train"):
            labels = warm_start(model, data, cells.pseudolabels, task)
        labels = train(model, data, task, labels, history, checkpoint, blocks, teacher)
        result = summarise(model, data, labels, task, teacher)
        if s["guard"]:
            result = held(result, task)
        result.tables |= importance_tables(model, data, result.labels, task)
    result.tables["history"] = pd.DataFrame(history)
    result.cost |= {"mode": mode, "seconds_before": checkpoint.seconds}
    return result


def model_of(task):
    """A new model for the cells of a task."""
    widths = [x.shape[1] for x in task.cells.features.values()]
    return SpClust(widths, task.n_clusters, task.settings)


@torch.no_grad()
def summarise(model, data, labels, task, teacher=None):
    """Line 17: labels by Eq. 17, and what else the model learnt."""
    graphs = {view: data.graph(view) for view in (*data.expression, "spatial")}
    current = torch.from_numpy(labels).to(data.device)
    h = model.project(model.encode(data.features, graphs, current))
    weights, fused = model.fuse(h)
    embedding, temperature = expression_embedding(h[:-1]), task.settings["assignment_temperature"]
    if teacher is not None:
        temperature = teacher.temperature(model.assign(embedding, 1.0).log())
    soft, soft_fused = (model.assign(e, temperature).cpu().numpy() for e in (embedding, fused))
    final, measured = soft.argmax(1), slice(task.cells.n_original)
    log.info(
        "agreement of the labels (Eq. 17) with those of the last KMeans: ARI %.4f, with those "
        "of the fused embedding (Eq. 13): ARI %.4f",
        adjusted_rand_score(labels[measured], final[measured]),
        adjusted_rand_score(soft_fused.argmax(1)[measured], final[measured]),
    )
    return Clustering(
        labels=final,
        confidence=soft.max(1),
        embedding=embedding.cpu().numpy(),
        per_cell={"fusion": pd.DataFrame(weights.cpu().numpy(), columns=list(graphs))},
        weights=weights_of(model, task.cells, final, temperature),
    )


def weights_of(model, cells, labels, temperature):
    """What :func:`predict` needs: the state of the model, and the mean features of each class."""
    n_clusters = len(model.prototypes)
    means = np.full((n_clusters, cells.matrix.shape[1]), np.nan, dtype=np.float32)
    for label in np.unique(labels):
        means[label] = cells.matrix[labels == label].mean(axis=0)
    state = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    return state | {"class_means": means, "temperature": np.float64(temperature)}


@torch.no_grad()
def predict(weights, task):
    """Label other cells by Eq. 17; no spatial graph is needed.

    A cell is encoded under the importances E of its own label, so a first label is guessed, that
    of the class whose mean features are nearest, and labels and encoding take turns until no
    label changes, five times at most.

    Parameters
    ----------
    weights : dict of str to array
        Of a :class:`spclust.methods.task.Clustering` of :func:`cluster`.
    task : spclust.methods.task.Task
        With the expression graphs of its cells.

    Returns
    -------
    Clustering

    Raises
    ------
    UserError
        For a model whose first view sees space, and for cells without an expression graph.
    """
    if "spatial" in sources(task.settings["views"], "expression"):
        raise UserError(
            f"{task.key('views')}: the first view of {task.settings['views']} sees space, and a "
            "slice that a model labels has no graph of it; train the model with  views: dual"
        )
    check(task, ["expression"])
    device = training.start(task)
    model = model_of(task)
    model.load_state_dict({name: torch.from_numpy(weights[name]) for name in model.state_dict()})
    model, data = model.to(device), Batches(task.cells, task.graphs, device, task.seed)
    learnt = np.flatnonzero(~np.isnan(weights["class_means"]).any(axis=1))
    nearest = pairwise_distances_argmin(task.cells.matrix, weights["class_means"][learnt])
    labels = learnt[nearest]
    for rounds in range(1, ROUNDS + 1):
        h = embed(model, data, labels)
        soft = model.assign(h, float(weights["temperature"])).cpu().numpy()
        previous, labels = labels, soft.argmax(1)
        changed = np.mean(previous != labels)
        log.info("round %d: %.2f %% of labels changed", rounds, 100 * changed)
        if not changed:
            break
    return Clustering(labels=labels, confidence=soft.max(1), embedding=h.cpu().numpy())
