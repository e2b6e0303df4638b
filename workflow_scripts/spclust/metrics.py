"""How good a clustering is: against labels, without labels, and between seeds."""

import logging

import numpy as np
import pandas as pd
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    precision_recall_fscore_support,
    silhouette_score,
)

from spclust.contracts import IMAGE, LABEL, SPATIAL
from spclust.parts.graphs import knn_graph, neighbours_within
from spclust.parts.matching import match_labels

log = logging.getLogger(__name__)

EXPRESSION_NEIGHBOURS = 15
SPATIAL_NEIGHBOURS = 6
COLUMNS = ["dataset", "run", "method", "seed", "metric", "value"]


def evaluate(cells, clusters, embedding, seed, silhouette_cells=5000, rare_class=0.05):
    """Score one clustering.

    Metrics against labels, over the cells that have one: ``accuracy`` (clusters matched one to
    one to classes), ``ARI``, ``NMI``, ``macro_F1`` and ``rare_F1`` (mean F1 of all classes and
    of the rare ones; a class without a cluster counts 0). Metrics of every slice:
    ``modularity``, ``silhouette``, ``spatial_coherence`` and ``n_clusters`` (occupied ones).

    Parameters
    ----------
    cells : AnnData, (n, d)
        Prepared cells with ``obs['image']``, ``obsm['spatial']`` and, where there are labels,
        ``obs['label']``, missing for cells that are not scored.
    clusters : array, shape (n,)
    embedding : array, shape (n, d')
        What the clusters were found in.
    seed : int
        Seed of the silhouette's sample.
    silhouette_cells : int
        Size of that sample.
    rare_class : float
        Share of the scored cells below which a class is rare.

    Returns
    -------
    scores : DataFrame
        ``metric``, ``value``; the value is missing where a metric is undefined.
    classes : DataFrame
        ``class``, ``cells``, ``cluster`` (matched, missing where none is), ``precision``,
        ``recall``, ``f1``, ``rare``; empty without labels.
    """
    clusters = np.asarray(clusters)
    images = cells.obs[IMAGE].to_numpy()
    scores, classes = {}, class_scores(clusters, labels_of(cells), rare_class)
    scored = labels_of(cells).notna().to_numpy()
    log.info("%d of %d cells have a label, %d classes", scored.sum(), len(scored), len(classes))
    if len(classes):
        truth, found = labels_of(cells)[scored], clusters[scored]
        scores["accuracy"] = (classes["recall"] * classes["cells"]).sum() / scored.sum()
        scores["ARI"] = adjusted_rand_score(truth, found)
        scores["NMI"] = normalized_mutual_info_score(truth, found)
        scores["macro_F1"] = classes["f1"].mean()
        scores["rare_F1"] = classes.loc[classes["rare"], "f1"].mean()
    scores["modularity"] = modularity(cells.X, clusters, images)
    scores["silhouette"] = silhouette(embedding, clusters, silhouette_cells, seed)
    scores["spatial_coherence"] = spatial_coherence(cells.obsm[SPATIAL], clusters, images)
    scores["n_clusters"] = len(np.unique(clusters))
    for name, value in scores.items():
        log.info("%s %.4f", name, value)
    return pd.DataFrame({"metric": list(scores), "value": list(scores.values())}), classes


def labels_of(cells):
    """Labels of the cells as a Series of names, missing where a cell is not scored."""
    if LABEL in cells.obs:
        return cells.obs[LABEL].astype(object)
    return pd.Series(None, index=cells.obs_names, dtype=object)


def match_clusters(clusters, labels):
    """The class each cluster stands for, one to one, most cells agreeing (Hungarian algorithm).

    Numbers of clusters and classes may differ. A cluster that shares no cell with the class
    left to it stands for none.

    Parameters
    ----------
    clusters : array, shape (n,)
    labels : array-like, shape (n,)
        Missing where a cell is not scored.

    Returns
    -------
    dict
        Cluster to class, matched clusters only.
    """
    scored = pd.notna(np.asarray(labels, dtype=object))
    cluster_ids, found = np.unique(np.asarray(clusters)[scored], return_inverse=True)
    truth, classes = pd.factorize(np.asarray(labels, dtype=object)[scored], sort=True)
    new_id = match_labels(found, truth, max(len(cluster_ids), len(classes)))
    agree = np.bincount(found[new_id[found] == truth], minlength=len(cluster_ids))
    return {c: classes[new_id[i]] for i, c in enumerate(cluster_ids.tolist()) if agree[i]}


def class_scores(clusters, labels, rare_class):
    """Precision, recall and F1 of every class under :func:`match_clusters`."""
    columns = ["class", "cells", "cluster", "precision", "recall", "f1", "rare"]
    labels = pd.Series(np.asarray(labels, dtype=object))
    if not labels.notna().any():
        return pd.DataFrame(columns=columns)
    matched = match_clusters(clusters, labels)
    cluster_of = {name: cluster for cluster, name in matched.items()}
    truth, names = pd.factorize(labels, sort=True)
    code = {name: i for i, name in enumerate(names)}
    # -1: a cluster that stands for no class, always wrong
    found = np.array([code.get(matched.get(c), -1) for c in np.asarray(clusters).tolist()])
    scored = truth >= 0
    precision, recall, f1, support = precision_recall_fscore_support(
        truth[scored], found[scored], labels=np.arange(len(names)), zero_division=0
    )
    table = {
        "class": names,
        "cells": support,
        "cluster": pd.array([cluster_of.get(name) for name in names], dtype=object),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "rare": support < rare_class * scored.sum(),
    }
    return pd.DataFrame(table, columns=columns)


def modularity(x, clusters, images):
    """Modularity (Newman) of clusters on the expression graph.

    The graph joins each cell to its 15 nearest cells by proteins within its image; every
    method is scored on the same graph. Missing where no cell has a neighbour.
    """
    graph = knn_graph(np.asarray(x), images, EXPRESSION_NEIGHBOURS).tocoo()
    if graph.nnz == 0:
        return np.nan
    _, codes = np.unique(clusters, return_inverse=True)
    # both directions of an edge are stored: row counts are degrees, nnz is 2|E|
    degree_share = np.bincount(codes[graph.row]) / graph.nnz
    return float((codes[graph.row] == codes[graph.col]).mean() - (degree_share**2).sum())


def silhouette(embedding, clusters, n_cells, seed):
    """Mean silhouette of a random sample of cells; missing where it holds one cluster only."""
    clusters = np.asarray(clusters)
    if len(clusters) > n_cells:
        sample = np.random.default_rng(seed).choice(len(clusters), n_cells, replace=False)
        embedding, clusters = embedding[sample], clusters[sample]
    if not 1 < len(np.unique(clusters)) < len(clusters):
        return np.nan
    return float(silhouette_score(embedding, clusters))


def spatial_coherence(spatial, clusters, images):
    """Mean share of a cell's 6 nearest cells in its image that are in its cluster.

    1 where every cluster is a separate region. Chance depends on the clusters' sizes; the
    ``random`` control shows it for equal ones. Missing where no cell has a neighbour.
    """
    clusters = np.asarray(clusters)
    shares = [
        (clusters[near] == clusters[cells, None]).mean(axis=1)
        for cells, near in neighbours_within(np.asarray(spatial), images, SPATIAL_NEIGHBOURS)
    ]
    return float(np.concatenate(shares).mean()) if shares else np.nan


def collect(results, scores, clusters):
    """One long table of all runs, with the agreement between the seeds of each.

    Parameters
    ----------
    results : list of (dataset, run, method, seed)
    scores : list of DataFrame
        ``metric`` and ``value`` of each result.
    clusters : list of Series
        Cluster of each cell, indexed by cell id, of each result.

    Returns
    -------
    DataFrame
        ``dataset, run, method, seed, metric, value``. ``seed_agreement`` of a seed is the mean
        ARI of its clusters with those of every other seed of the same run.
    """
    tables = []
    for i, ((dataset, run, method, seed), table) in enumerate(zip(results, scores)):
        others = [j for j, r in enumerate(results) if list(r[:2]) == [dataset, run] and j != i]
        if others:
            cells = clusters[i].index
            ari = [adjusted_rand_score(clusters[i], clusters[j].loc[cells]) for j in others]
            agreement = pd.DataFrame({"metric": ["seed_agreement"], "value": [np.mean(ari)]})
            table = pd.concat([table, agreement], ignore_index=True)
        tables.append(table.assign(dataset=dataset, run=run, method=method, seed=seed)[COLUMNS])
    log.info("%d results of %d runs", len(results), len({r[1] for r in results}))
    return pd.concat(tables, ignore_index=True)


def mean_and_sd(long):
    """Mean and sample standard deviation over seeds of what :func:`collect` returns.

    Returns
    -------
    DataFrame
        ``dataset, run, method, metric, mean, sd, seeds``; ``sd`` is missing for one seed, and
        ``seeds`` counts those where the metric is defined.
    """
    groups = long.groupby(COLUMNS[:3] + ["metric"], sort=False)["value"]
    table = groups.agg(mean="mean", sd="std", seeds="count").reset_index()
    return table.round({"mean": 6, "sd": 6})
