"""CRCT (Liu, So et al. 2026): PRAGA with rare classes in mind.

Cells have first labels from their embedding; each is moved at random by what varies within its
class, has to be reconstructed from there too, and both cells draw their class's prototype. Encoder,
graphs and decoders are those of :mod:`praga <spclust.methods.praga.praga>`. The paper
leaves open how often cells are labelled anew, rho_0, tau and the final labels; the card says
what is taken, and where Eq. 5 or the schedules are not as printed.
"""

import logging

import numpy as np
import torch

from spclust.clustering import heads, prototypes
from spclust.methods.crct.class_statistics import ClassStatistics, inverse_frequency
from spclust.methods.praga.praga import model_of, optimiser_of, remedy, summarise
from spclust.nn import modalities, training
from spclust.nn.checkpoints import State, checkpoint_of
from spclust.nn.cluster_contrast import prototype_contrast
from spclust.nn.gradient_step import descend, finite

log = logging.getLogger(__name__)

# a class that has less than this in common (Jaccard) with what it was is another
SAME_CLASS = 0.5
# epochs between two clusterings, and the contrast's first epochs off, of the printed schedules
PRINTED_REFRESH, PRINTED_WARM_UP = 50, 100


def schedule(settings, epoch):
    """Shares of the final weights in an epoch (from 1), and whether cells are labelled anew.

    Returns
    -------
    float
        Of ``weight_augmented``, in three steps.
    float
        Of ``weight_clustering``: zero, then one.
    bool
    """
    s, epochs = settings, settings["epochs"]
    every = max(1, round(s["refresh_every"] * epochs))
    early, ends, warm_up = (0.02, 0.4), (epochs / 3, 2 * epochs / 3), epochs / 3
    if s["schedule"] != "fractions":
        ends, warm_up, every = (100, 200), PRINTED_WARM_UP, PRINTED_REFRESH
    if s["schedule"] == "literal_lymph_node":
        early, ends = (0.05, 0.5), (5, 15)
    steps = (*early, 1.0)
    augmented = steps[sum(epoch > end for end in ends)]
    return augmented, float(epoch > warm_up), (epoch - 1) % every == 0


def follow(z, arrays, n_clusters, seed):
    """Label cells by KMeans on their directions, started from the centres before.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    arrays : dict of str to array
        ``labels`` and ``centres``; without them KMeans starts anew.
    n_clusters, seed : int

    Returns
    -------
    dict of str to array
        The new ones.
    array of bool, shape (n_clusters,)
        Classes that are no longer the same cells.
    """
    x = torch.nn.functional.normalize(z.detach(), dim=1).cpu().numpy()
    if not arrays:
        labels = heads.kmeans(x, n_clusters, seed)
        centres = prototypes.class_means(x, labels, n_clusters)
        return {"labels": labels, "centres": centres}, np.zeros(n_clusters, dtype=bool)
    before = arrays["labels"]
    centres, labels = prototypes.refresh(x, arrays["centres"], before, seed)
    new, old = np.eye(n_clusters, dtype=bool)[labels], np.eye(n_clusters, dtype=bool)[before]
    common, either = (new & old).sum(0), (new | old).sum(0)
    return {"labels": labels, "centres": centres}, common < SAME_CLASS * either


def objective(model, statistics, features, labels, noise, settings, epoch, weights):
    """Eq. 14 and its terms.

    Parameters
    ----------
    model : FusedGraphs
    statistics : ClassStatistics
    features : list of Tensor, shape (n, d)
    labels : Tensor of int64, shape (n,)
        Of the cells, as are the noise's rows.
    noise : Tensor, shape (n, width)
    settings : dict
    epoch : int
    weights : list of float
        Of the modalities.
    """
    s, (augmented, contrast, _) = settings, schedule(settings, epoch)
    z = model.encode(features)
    statistics.update(z, labels)
    moved = statistics.augmented(z, labels, s["strength"] * epoch / s["epochs"], noise)
    of_cells = inverse_frequency(labels, len(statistics.sizes)) if s["balance"] else None
    both, centres = torch.cat([z, moved]), statistics.means
    if s["normalise"]:
        both, centres = (torch.nn.functional.normalize(v, dim=1) for v in (both, centres))
    terms = {
        "reconstruction": modalities.squared_error(features, model.decode(z), weights),
        "graph": model.drift(),
        "augmented": modalities.squared_error(features, model.decode(moved), weights, of_cells),
        "clustering": prototype_contrast(both, labels.repeat(2), centres, s["temperature"]),
    }
    if s["reconstruct"] == "augmented":
        loss = terms["augmented"]
    else:
        loss = terms["reconstruction"] + s["weight_augmented"] * augmented * terms["augmented"]
    loss = loss + s["weight_graph"] * terms["graph"]
    return loss + s["weight_clustering"] * contrast * terms["clustering"], terms


def train(model, statistics, features, task, history, checkpoint):
    """Descend on the objective, cells labelled anew every few epochs."""
    s, device = task.settings, features[0].device
    weights = modalities.weights_in(task, "weight_reconstruction", needed=True)
    optimiser = optimiser_of(model, s)
    state = State("train", torch.nn.ModuleList([model, statistics]), optimiser, history)
    for epoch in checkpoint.epochs(state, s["epochs"]):
        row = {"phase": "train", "epoch": epoch}
        if schedule(s, epoch)[2]:
            with torch.no_grad():
                z = model.encode(features)
            finite(z.sum(), remedy(task))  # KMeans would refuse in words of its own
            before = state.arrays.get("labels")
            state.arrays, others = follow(z, state.arrays, task.n_clusters, task.seed)
            statistics.forget(torch.from_numpy(others).to(device))
            if before is not None:
                row["changed_labels"] = float(np.mean(before != state.arrays["labels"]))
        labels = torch.from_numpy(state.arrays["labels"]).long().to(device)
        generator = training.generator(device, task.seed, "augment", epoch)
        noise = torch.randn(len(labels), s["width"], generator=generator, device=device)
        loss, terms = objective(model, statistics, features, labels, noise, s, epoch, weights)
        row["loss"] = descend(optimiser, loss, remedy(task))
        model.remember()
        terms = {name: term.item() for name, term in terms.items()}
        history.append(row | terms)
        if epoch in (1, s["epochs"]):
            log.info("epoch %d: %s", epoch, {k: round(v, 4) for k, v in terms.items()})


def cluster(task):
    """See :func:`.running.cluster`; confidence is the neighbours' agreement."""
    s, device, history = task.settings, training.start(task), []
    model = model_of(task, device)
    statistics = ClassStatistics(task.n_clusters, s["width"], s["class_memory"]).to(device)
    features = modalities.tensors(task.cells, device)
    with (
        checkpoint_of(task, ["train"]) as checkpoint,
        training.advised(device, f"lower {task.key('width')}, or set device: cpu"),
    ):
        train(model, statistics, features, task, history, checkpoint)
        return summarise(model, features, task, history, checkpoint)
