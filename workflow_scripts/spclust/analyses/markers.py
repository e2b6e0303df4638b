"""Features that tell each cluster from the rest of the dataset."""

import logging

import numpy as np
import pandas as pd
from scipy.special import ndtr

log = logging.getLogger(__name__)

FEWEST_CELLS = 3
COLUMNS = ["effect", "auc", "p_adjusted", "mean_in", "mean_out"]


def analyse(task):
    """Rank the features of the task's clusters; see :func:`rank`."""
    said = {
        name: task.extras[name].set_index("cluster")
        for name in ("importance", "attribution")
        if name in task.extras
    }
    return {"markers.csv": rank(task.cells, task.clusters["cluster"], **said)}


def rank(cells, clusters, importance=None, attribution=None):
    """Rank the features of each cluster by how well they tell it from all other cells.

    Two-sided Wilcoxon rank-sum test (tie-corrected normal approximation) of a cluster against
    the rest, as :func:`scipy.stats.mannwhitneyu` has it, but each feature is ranked once for all
    clusters. The clusters were found in the same features, so the p-values order features but
    overstate the evidence. Features of several modalities are ranked together; where principal
    components replaced those of a modality, the components are ranked.

    Parameters
    ----------
    cells : Cells, n of them
        Prepared.
    clusters : array, shape (n,)
    importance, attribution : DataFrame, optional
        Learnt weights of the features, and what these do for the cluster in a trained model; a row
        per cluster id and a column per feature. See :mod:`spclust.methods.spclust.importances`.

    Returns
    -------
    DataFrame
        A row per cluster and feature, best first: ``cluster``, ``rank``, ``feature`` (of
        several modalities with theirs, ``rna:CD3E``), ``effect`` (``mean_in - mean_out``, in
        the unit of the prepared values: standard deviations where they are scaled), ``auc``
        (probability that a cell of the cluster has more of the feature than another),
        ``p_adjusted`` (Benjamini-Hochberg over the cluster's features), ``mean_in``,
        ``mean_out``, ``attribution`` and ``importance`` (missing where the method has none).
        ``auc`` and ``p_adjusted`` are missing for clusters of fewer than 3 cells, or with fewer
        than 3 cells outside them.
    """
    cells = cells.whole()  # those that did not cluster mark, too
    # not cells.matrix, which brings several modalities to one scale
    features = [column for x in cells.features.values() for column in x.T]
    names, (numbers, codes) = cells.feature_names, np.unique(clusters, return_inverse=True)
    sizes, sums = np.bincount(codes), [_sums(values, codes) for values in features]
    tables = []
    for i, cluster in enumerate(numbers):
        outside = len(codes) - sizes[i]
        table = pd.DataFrame([_against_rest(*of, i, sizes) for of in sums], columns=COLUMNS)
        if min(sizes[i], outside) < FEWEST_CELLS:
            table[["auc", "p_adjusted"]] = np.nan
            log.warning(
                "cluster %s has %d cells, %d are outside it: too few to test its features",
                cluster,
                sizes[i],
                outside,
            )
        else:
            table["p_adjusted"] = _adjusted(table["p_adjusted"].to_numpy())
        table.insert(0, "feature", names)
        table.insert(0, "cluster", cluster)
        for column, said in (("attribution", attribution), ("importance", importance)):
            table[column] = np.nan
            if said is not None and cluster in said.index:
                table[column] = said.loc[cluster].reindex(names).to_numpy()
        # a stable sort keeps ties, and features that were not tested, in a fixed order
        table = table.sort_values(["auc", "effect"], ascending=False, kind="stable")
        table.insert(1, "rank", np.arange(1, len(table) + 1))
        tables.append(table)
    log.info("ranked %d features for %d clusters", len(features), len(tables))
    return pd.concat(tables, ignore_index=True)


def _sums(values, codes):
    """Of one feature: sums of values and of ranks in each group, and t³ - t over its ties."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ties = np.diff(np.r_[starts, len(values)]).astype(np.float64)
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (ties + 1) / 2, ties.astype(int))
    of_groups = [np.bincount(codes, weights) for weights in (values, ranks)]
    return *of_groups, (ties**3 - ties).sum()


def _against_rest(values, ranks, ties, i, sizes):
    """Effect, AUC, p and both means of one feature in the group ``i``, against all others."""
    n_in, n = int(sizes[i]), int(sizes.sum())
    n_out, half = n - n_in, n_in * (n - n_in) / 2
    mean_in = values[i] / n_in
    if not n_out:
        return np.nan, np.nan, np.nan, mean_in, np.nan
    mean_out = (values.sum() - values[i]) / n_out
    above = ranks[i] - n_in * (n_in + 1) / 2  # pairs in which the cell of the group has more
    spread = np.sqrt(half / 6 * (n + 1 - ties / (n * (n - 1))))
    # a constant feature differs nowhere, its spread is 0
    z = (abs(above - half) - 0.5) / spread if spread > 0 else 0.0
    return mean_in - mean_out, above / (2 * half), min(1.0, 2 * ndtr(-z)), mean_in, mean_out


def _adjusted(p):
    """P values adjusted by Benjamini and Hochberg."""
    order = np.argsort(p)[::-1]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    return adjusted
