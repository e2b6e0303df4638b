"""How good a clustering is: against labels, without labels, and between seeds."""

import logging

import numpy as np
import pandas as pd
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    completeness_score,
    fowlkes_mallows_score,
    mutual_info_score,
    normalized_mutual_info_score,
    precision_recall_fscore_support,
    silhouette_score,
    v_measure_score,
)
from sklearn.metrics.cluster import pair_confusion_matrix

from spclust.analyses.mixing import mixing
from spclust.clustering.matching import match_clusters
from spclust.data.scores import ALL, COLUMNS
from spclust.neighbours.knn import EXACT_CELLS, knn_graph, neighbours_within

log = logging.getLogger(__name__)

EXPRESSION_NEIGHBOURS = 15
SPATIAL_NEIGHBOURS = 6
MODULARITY_CELLS = 20_000  # sampled where a graph of all cells would not be exact


def analyse(task):
    """Score the task's clusters; see :func:`evaluate`."""
    scores, classes = evaluate(
        task.cells,
        task.labels,
        task.clusters["cluster"],
        embedding=task.embedding,
        seed=task.seed,
        **task.settings,
    )
    return {"metrics.tsv": scores, "class_metrics.tsv": classes}


def evaluate(cells, labels, clusters, embedding, seed, silhouette_cells=5000, rare_class=0.05):
    """Score one clustering, over all cells and, in a cohort, over those of each slice.

    Metrics against labels, over the cells that have one: ``accuracy`` (clusters matched one to
    one to classes), ``ARI``, ``NMI``, ``macro_F1`` and ``rare_F1`` (mean F1 of all classes and
    of the rare ones; a class without a cluster counts 0), the further ones of
    :func:`against_labels`, and ``label_coherence``, the :func:`spatial_coherence` of the labels
    themselves, which tells what to expect of clusters. Metrics of every dataset: ``modularity``,
    ``silhouette``, ``spatial_coherence`` and ``n_clusters`` (occupied ones). Of a cohort as a
    whole: ``iLISI`` and ``cLISI`` of its embedding, see :func:`spclust.analyses.mixing.mixing`.

    A cluster stands for the same class in all slices, the one it matches over all cells;
    everything else on a slice is of its own cells only.

    Parameters
    ----------
    cells : Cells, n of them
        Prepared.
    labels : array-like, shape (n,)
        Reference labels, missing for cells that are not scored.
    clusters : array, shape (n,)
    embedding : array, shape (n, d')
        What the clusters were found in.
    seed : int
        Seed of the sample of cells for what is taken of the embedding.
    silhouette_cells : int
        Size of that sample.
    rare_class : float
        Share of the scored cells below which a class is rare.

    Returns
    -------
    scores : DataFrame
        ``slice`` (``all`` or a slice's name), ``metric``, ``value``; the value is missing where
        a metric is undefined.
    classes : DataFrame
        ``slice``, ``class``, ``cells``, ``cluster`` (matched, missing where none is),
        ``precision``, ``recall``, ``f1``, ``rare``; empty without labels.
    """
    clusters, labels = np.asarray(clusters), np.asarray(labels, dtype=object)
    x, matched = cells.matrix, match_clusters(clusters, labels)
    blocks = {ALL: np.ones(len(cells), dtype=bool)}
    slices = pd.unique(cells.slice)
    if len(slices) > 1:
        blocks |= {name: cells.slice == name for name in slices}
    scores, classes = [], []
    for name, rows in blocks.items():
        truth, own_clusters, images = labels[rows], clusters[rows], cells.image[rows]
        table = class_scores(own_clusters, truth, matched, rare_class)
        scored = pd.notna(truth)
        log.info(
            "%s: %d of %d cells have a label, %d classes",
            name,
            scored.sum(),
            len(truth),
            len(table),
        )
        of_block = against_labels(own_clusters[scored], truth[scored], table) if len(table) else {}
        places = cells.coordinates[rows]
        if len(table):
            of_block["label_coherence"] = spatial_coherence(
                places[scored], truth[scored].astype(str), images[scored]
            )
        of_block["modularity"] = modularity(x[rows], own_clusters)
        of_block["silhouette"] = silhouette(embedding[rows], own_clusters, silhouette_cells, seed)
        of_block["spatial_coherence"] = spatial_coherence(places, own_clusters, images)
        if name == ALL and len(slices) > 1:
            some = sampled(len(cells), silhouette_cells, seed)
            of_block |= mixing(embedding[some], cells.slice[some], labels[some], seed)
        of_block["n_clusters"] = len(np.unique(own_clusters))
        log.info("%s: %s", name, ", ".join(f"{m} {value:.4f}" for m, value in of_block.items()))
        scores += [(name, metric, value) for metric, value in of_block.items()]
        table.insert(0, "slice", name)
        classes.append(table)
    # a slice without labels has no classes
    classes = pd.concat([t for t in classes if len(t)] or classes[:1], ignore_index=True)
    return pd.DataFrame(scores, columns=["slice", "metric", "value"]), classes


def against_labels(clusters, labels, classes):
    """Metrics of scored cells against their labels, with what :func:`class_scores` returns.

    ``NMI`` is divided by the arithmetic mean of both entropies, as is ``AMI``; ``V_measure`` is
    the same number by another name. ``MI`` is in nats. ``FMI``, ``pairwise_F1`` and ``Jaccard``
    count pairs of cells that share a cluster, a class or both.
    """
    (_, apart_in_labels), (apart_in_clusters, both) = pair_confusion_matrix(labels, clusters)
    one = apart_in_labels + apart_in_clusters
    return {
        "accuracy": (classes["recall"] * classes["cells"]).sum() / len(labels),
        "ARI": adjusted_rand_score(labels, clusters),
        "NMI": normalized_mutual_info_score(labels, clusters),
        "macro_F1": classes["f1"].mean(),
        "rare_F1": classes.loc[classes["rare"], "f1"].mean(),
        "AMI": adjusted_mutual_info_score(labels, clusters),
        "MI": mutual_info_score(labels, clusters),
        "V_measure": v_measure_score(labels, clusters),
        "completeness": completeness_score(labels, clusters),
        "FMI": fowlkes_mallows_score(labels, clusters),
        # of one cell a class there is no pair
        "pairwise_F1": 2 * both / (2 * both + one) if both + one else np.nan,
        "Jaccard": both / (both + one) if both + one else np.nan,
    }


def class_scores(clusters, labels, matched, rare_class):
    """Precision, recall and F1 of every class there is, clusters standing for ``matched``."""
    columns = ["class", "cells", "cluster", "precision", "recall", "f1", "rare"]
    labels = pd.Series(np.asarray(labels, dtype=object))
    if not labels.notna().any():
        return pd.DataFrame(columns=columns)
    cluster_of = {name: cluster for cluster, name in matched.items()}
    truth, names = pd.factorize(labels, sort=True)
    code = {name: i for i, name in enumerate(names)}
    # -1: a cluster that stands for no class, always wrong
    predicted = np.array([code.get(matched.get(c), -1) for c in np.asarray(clusters).tolist()])
    scored = truth >= 0
    precision, recall, f1, support = precision_recall_fscore_support(
        truth[scored], predicted[scored], labels=np.arange(len(names)), zero_division=0
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


def modularity(x, clusters):
    """Modularity (Newman) of clusters on the expression graph, which is what Leiden maximises.

    The graph joins each cell to its 15 nearest cells by their features, whatever image they are
    in; methods that run on the same prepared cells are scored on the same graph. Above
    50,000 cells it is that of 20,000 of them, the same for all methods and seeds. Missing where no
    cell has a neighbour.
    """
    x, clusters = np.asarray(x), np.asarray(clusters)
    if len(x) > EXACT_CELLS:
        rows = sampled(len(x), MODULARITY_CELLS, seed=0)
        x, clusters = x[rows], clusters[rows]
    graph = knn_graph(x, np.zeros(len(x)), EXPRESSION_NEIGHBOURS).tocoo()
    if graph.nnz == 0:
        return np.nan
    _, codes = np.unique(clusters, return_inverse=True)
    # both directions of an edge are stored: row counts are degrees, nnz is 2|E|
    degree_share = np.bincount(codes[graph.row]) / graph.nnz
    return float((codes[graph.row] == codes[graph.col]).mean() - (degree_share**2).sum())


def silhouette(embedding, clusters, n_cells, seed):
    """Mean silhouette of a random sample of cells; missing where it holds one cluster only."""
    sample = sampled(len(clusters), n_cells, seed)
    embedding, clusters = embedding[sample], np.asarray(clusters)[sample]
    if not 1 < len(np.unique(clusters)) < len(clusters):
        return np.nan
    return float(silhouette_score(embedding, clusters))


def sampled(n, n_cells, seed):
    """Rows of a random sample of cells; all of them where there are no more than asked for."""
    if n <= n_cells:
        return np.arange(n)
    return np.random.default_rng(seed).choice(n, n_cells, replace=False)


def spatial_coherence(spatial, clusters, images):
    """How much more often a cell's 6 nearest cells share its cluster than chance has it.

    ``(observed - sum p^2) / (1 - sum p^2)`` in each image, with p the shares of its clusters;
    the mean over cells. 0 where clusters are strewn at random, 1 where each is a region of its
    own. More is not better: the labels' own value is the mark. An image within one cluster says
    nothing and is left out; missing where no image is left, or no cell has a place.

    Parameters
    ----------
    spatial : array, shape (n, 2)
    clusters, images : array, shape (n,)
    """
    spatial = np.asarray(spatial)
    placed = np.isfinite(spatial).all(axis=1)
    clusters, images, coherences, weights = (
        np.asarray(clusters)[placed],
        np.asarray(images)[placed],
        [],
        [],
    )
    for cells, near in neighbours_within(spatial[placed], images, SPATIAL_NEIGHBOURS):
        shares = np.unique(clusters[cells], return_counts=True)[1] / len(cells)
        chance = (shares**2).sum()
        if len(shares) > 1:
            observed = (clusters[near] == clusters[cells, None]).mean()
            coherences.append((observed - chance) / (1 - chance))
            weights.append(len(cells))
    return float(np.average(coherences, weights=weights)) if coherences else np.nan


def collect(results, scores, clusters):
    """One long table of all runs, with the agreement between the seeds of each.

    Parameters
    ----------
    results : list of (dataset, run, method, seed)
    scores : list of DataFrame
        ``slice``, ``metric`` and ``value`` of each result.
    clusters : list of Series
        Cluster of each cell, indexed by cell id, of each result.

    Returns
    -------
    DataFrame
        ``dataset, run, method, seed, slice, metric, value``. ``seed_agreement`` of a seed, over
        all cells, is the mean ARI of its clusters with those of every other seed of the run.
    """
    tables = []
    for i, ((dataset, run, method, seed), table) in enumerate(zip(results, scores)):
        others = [j for j, r in enumerate(results) if list(r[:2]) == [dataset, run] and j != i]
        if others:
            cells = clusters[i].index
            ari = [adjusted_rand_score(clusters[i], clusters[j].loc[cells]) for j in others]
            agreement = {"slice": ALL, "metric": "seed_agreement", "value": np.mean(ari)}
            table = pd.concat([table, pd.DataFrame([agreement])], ignore_index=True)
        tables.append(table.assign(dataset=dataset, run=run, method=method, seed=seed)[COLUMNS])
    log.info("%d results of %d runs", len(results), len({r[1] for r in results}))
    return pd.concat(tables, ignore_index=True)
