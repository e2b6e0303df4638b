"""SpaMCA (wenwenmin/SpaMCA): masked cells, modalities that agree on cells and on clusters.

Encoder and decoders are those of :mod:`spatialglue <spclust.methods.spatialglue>`. Written from
the README and what is known of the authors' program, whose faults are mended unless ``literal``
keeps them: it hides cells at inference too; its sharpened target is no distribution; and it
hides other cells from the expression graph than from the spatial graph, so that most of what
is to be filled in has been seen.
"""

import logging
from itertools import combinations

import torch
from torch import nn

from spclust.methods.spamca import masking
from spclust.methods.spatialglue import data_of, summarise
from spclust.nn import dec, modalities, training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.cluster_contrast import cluster_contrast
from spclust.nn.dual_graphs import DualGraphs
from spclust.nn.gradient_step import descend
from spclust.nn.views import mean

log = logging.getLogger(__name__)

# the least of (1 + cos) / 2, whose logarithm has no bound, and the least soft label
SMALLEST = 1e-6


def projector(width):
    """Linear map, normalisation over all cells, ReLU."""
    batch = nn.BatchNorm1d(width, track_running_stats=False)
    return nn.Sequential(nn.Linear(width, width), batch, nn.ReLU())


class Model(DualGraphs):
    """SpatialGlue's encoder with a projection of each modality, and one head for clusters."""

    def __init__(self, widths, n_clusters, settings):
        width = settings["width"]
        super().__init__(widths, width, settings["fusion"])
        self.projectors = nn.ModuleList(projector(width) for _ in widths)
        head = [projector(width), nn.Linear(width, n_clusters), nn.Softmax(dim=1)]
        self.clusters = nn.Sequential(*head)


def alignment(a, b):
    """``-2 log((1 + cos) / 2)`` of each cell in two views, averaged; no cell repels another."""
    cosine = nn.functional.cosine_similarity(a, b, dim=1)
    return -2 * ((1 + cosine) / 2).clamp(min=SMALLEST).log().mean()


def sharpened(soft, literal):
    """What the fused soft labels are drawn to, a constant (n, c).

    The largest of the views' shares, squared and divided by the clusters' sizes as in deep embedded
    clustering; ``literal``: squared, and of unit length, which is no distribution.
    """
    largest = torch.stack(soft).amax(0).detach()
    if literal:
        return nn.functional.normalize(largest.square(), dim=1)
    return dec.target_distribution(largest)


def masks(n, count, settings, *key, device):
    """Hidden cells of each modality, in its spatial and in its expression graph.

    Parameters
    ----------
    n, count : int
        Cells and modalities.
    settings : dict
    key : int or str
        Of the random draws.
    device : torch.device

    Returns
    -------
    list of (Tensor of bool (n,), Tensor of bool (n,))
    """
    generator, hidden = training.generator(device, *key), []
    for _ in range(count):
        drawn = [
            masking.masked_rows(n, settings["mask"], generator)
            for _ in range(2 if settings["literal"] else 1)
        ]
        hidden.append((drawn[0], drawn[-1]))
    return hidden


def hide(features, rows):
    """Inputs of :meth:`DualGraphs.encode` with cells hidden."""
    return [[masking.hidden(x, r) for r in pair] for x, pair in zip(features, rows)]


def objective(model, features, expression, space, rows, settings, weights):
    """Weighted sum of the four terms, and the terms.

    Parameters
    ----------
    rows : list of (Tensor, Tensor)
        Of :func:`masks`.
    weights : list of float
        Of the modalities' reconstruction.
    """
    s = settings
    encoded = model.encode(hide(features, rows), expression, space)
    decoded = model.decode(encoded.z, space)
    parts, soft = encoded.parts, [model.clusters(z) for z in (*encoded.parts, encoded.z)]
    projected = [project(z) for project, z in zip(model.projectors, parts)]
    if len(parts) == 1:  # of one modality, it and the fused embedding are the views
        projected.append(model.projectors[0](encoded.z))
    views = soft[:-1] if len(parts) > 1 else soft
    errors = [
        w * masking.error_of(pair[0], x, y)
        for w, pair, x, y in zip(weights, rows, features, decoded)
    ]
    terms = {
        "reconstruction": sum(errors),
        "alignment": mean([alignment(a, b) for a, b in combinations(projected, 2)]),
        "clustering": mean(
            [cluster_contrast(p, q, s["temperature"]) for p, q in combinations(views, 2)]
        ),
        "target": dec.divergence(sharpened(soft, s["literal"]), soft[-1].clamp(min=SMALLEST)),
    }
    loss = terms["reconstruction"] + s["weight_alignment"] * terms["alignment"]
    loss = loss + s["weight_clustering"] * terms["clustering"]
    return loss + s["weight_target"] * terms["target"], terms


def train(model, data, task, history, checkpoint):
    """Descend on the objective, other cells hidden in each epoch."""
    s, features = task.settings, data[0]
    n, device = len(features[0]), features[0].device
    weights = modalities.weights_in(task, "weight_reconstruction")
    optimiser = torch.optim.Adam(model.parameters(), lr=s["lr"])
    for epoch in checkpoint.epochs(State("train", model, optimiser, history), s["epochs"]):
        rows = masks(n, len(features), s, task.seed, "mask", epoch, device=device)
        loss, terms = objective(model, *data, rows, s, weights)
        value = descend(optimiser, loss, f"lower {task.key('lr')}")
        terms = {name: term.item() for name, term in terms.items()}
        history.append({"phase": "train", "epoch": epoch, "loss": value, **terms})
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})


@torch.no_grad()
def encode(model, features, expression, space, task):
    """Cells as they are; ``literal``: some of them hidden."""
    inputs = zip(features, features)
    if task.settings["literal"]:
        key, n = (task.seed, "mask", 0), len(features[0])
        rows = masks(n, len(features), task.settings, *key, device=features[0].device)
        inputs = hide(features, rows)
    return model.encode(inputs, expression, space)


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    device, history = training.start(task), []
    data = data_of(task, device)
    model = Model([x.shape[1] for x in data[0]], task.n_clusters, task.settings).to(device)
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        train(model, data, task, history, checkpoint)
        return summarise(encode(model, *data, task), task, history, checkpoint)
