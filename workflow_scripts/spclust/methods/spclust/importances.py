"""Which features hold the cells of a cluster in it, by what a trained model does without them."""

import logging
import time

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from spclust.nn.views import expression_embedding

log = logging.getLogger(__name__)


def contrast(logits: Tensor) -> Tensor:
    """Logit of each cluster less the mean of the others', ``s_k = z_k - mean_{l != k} z_l``.

    What is added to all logits of a cell drops out, so logarithms of soft labels will do.

    Parameters
    ----------
    logits : Tensor, shape (n, c)
        Of two clusters or more.
    """
    c = logits.shape[1]
    return (logits - logits.mean(dim=1, keepdim=True)) * (c / (c - 1))


@torch.no_grad()
def attributions(score, features, usual, labels, n_clusters):
    """What each cluster's cells lose of their contrast without what they have of a feature.

    ``A_kj = mean_{i in k} s_ik(X) - s_ik(X with x_mj <- min(x_mj, b_j) for all cells m)``

    with s the :func:`contrast` of the model's logits and b what is usual. It is occlusion (Zeiler
    and Fergus 2014) of what stands out. That of all cells is taken at once, since a model on a
    graph looks at a cell's neighbours, too. Above zero: the feature pushes cells into the cluster;
    below: it pulls them out. That a cell lacks what others have moves nothing and counts nothing.
    Gradients find planted proteins less often (tests/measured/comparison/importances.md): on their
    way from a baseline all features of all cells move at once, through cells that are of no type.

    Parameters
    ----------
    score : callable
        Features of all cells, a list of Tensor (n, d) by modality, to logits (n, c).
    features : list of Tensor, shape (n, d)
    usual : list of Tensor, shape (d,)
        Value of each feature that does not stand out.
    labels : Tensor of int64, shape (n,)
        Cluster of each cell; -1 for cells that are there as neighbours only.
    n_clusters : int

    Returns
    -------
    array, shape (n_clusters, sum of d)
        In units of the logits; missing for clusters without a cell.
    """
    measured = labels >= 0
    own = labels[measured].cpu().numpy()
    sizes = np.bincount(own, minlength=n_clusters)

    def means(changed):
        """Mean contrast of the cells of each cluster, with the cluster."""
        s = contrast(score(changed))[measured].cpu().numpy().astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.bincount(own, s[np.arange(len(own)), own], n_clusters) / sizes

    whole, columns = means(features), []
    for m, (x, b) in enumerate(zip(features, usual)):
        for j in range(x.shape[1]):
            less = x.clone()
            less[:, j].clamp_(max=b[j])
            columns.append(whole - means([*features[:m], less, *features[m + 1 :]]))
    return np.stack(columns, axis=1)


def sample(labels, n_clusters, n_cells, seed):
    """Rows of about as many cells of each cluster, so many in all at most, ascending.

    Parameters
    ----------
    labels : array of int, shape (n,)
    n_clusters, n_cells, seed : int
    """
    rng, most = np.random.default_rng([seed, n_clusters]), max(1, n_cells // n_clusters)
    of_cluster = (np.flatnonzero(labels == k) for k in range(n_clusters))
    chosen = [r if len(r) <= most else rng.choice(r, most, replace=False) for r in of_cluster]
    return np.sort(np.concatenate(chosen))


def importance_tables(model, data, labels, task):
    """What a trained model says of features: ``attribution``, and E where it was learnt.

    Parameters
    ----------
    model : spclust.nn.views.SpClust
    data : spclust.nn.batches.Batches
        All cells. Where they were trained on in batches, a sample of cells as large as a batch is
        asked, as many of each cluster, with the graphs that such a batch has.
    labels : array of int, shape (n,)
        Clusters of all cells.
    task : spclust.methods.task.Task

    Returns
    -------
    dict of str to DataFrame
        A row a cluster, ``cluster`` and a column a feature. ``attribution``: see
        :func:`attributions`, in cosines; what is usual is the median of the measured cells.
        ``importance``: the matrix E of Eq. 5.
    """
    n, names, started = task.cells.n_original, list(task.cells.feature_names), time.monotonic()
    n_clusters, tables, values_by_name = task.n_clusters, {}, {}
    if task.settings["learn_importance"]:
        values_by_name["importance"] = (
            torch.cat(list(model.importances), dim=1).detach().cpu().numpy()
        )
    if n_clusters > 1:
        rows = None
        if data.batch_cells is not None:
            rows = sample(labels[:n], n_clusters, data.batch_cells, task.seed)
        batch = data.of(rows)
        seen = batch.of(np.asarray(labels, dtype=np.int64))
        asked = seen.clone()
        asked[n if rows is None else len(rows) :] = -1
        *graphs, _ = batch.graphs.values()

        def score(features):
            h = model.project(model.encode_expression(features, graphs, seen))
            return model.assign(expression_embedding(h), 1.0).log()

        usual = [
            torch.from_numpy(np.median(x[:n].cpu().numpy(), axis=0)).to(x.device)
            for x in data.features.values()
        ]
        features = list(batch.features.values())
        values_by_name["attribution"] = attributions(score, features, usual, asked, n_clusters)
        log.info(
            "asked %d cells of %d what %d features do for their cluster, %.1f s",
            len(seen),
            n,
            len(names),
            time.monotonic() - started,
        )
    for name, values in values_by_name.items():
        tables[name] = pd.DataFrame(values, columns=names)
        tables[name].insert(0, "cluster", np.arange(n_clusters))
    return tables
