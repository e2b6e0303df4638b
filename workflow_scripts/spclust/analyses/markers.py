"""Features that tell each cluster from the rest of the dataset."""

import logging

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, mannwhitneyu

log = logging.getLogger(__name__)

FEWEST_CELLS = 3


def rank(cells, clusters, importance=None, attribution=None):
    """Rank the features of each cluster by how well they tell it from all other cells.

    Two-sided Wilcoxon rank-sum test (tie-corrected normal approximation) of a cluster against
    the rest. The clusters were found in the same features, so the p-values order features but
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
    x = np.hstack(list(cells.features.values())).astype(np.float64)
    names, clusters = cells.feature_names, np.asarray(clusters)
    tables = []
    for cluster in np.unique(clusters):
        inside = clusters == cluster
        table = _against_rest(x, inside)
        table.insert(0, "feature", names)
        table.insert(0, "cluster", cluster)
        for column, said in (("attribution", attribution), ("importance", importance)):
            table[column] = np.nan
            if said is not None and cluster in said.index:
                table[column] = said.loc[cluster].reindex(names).to_numpy()
        if table["auc"].isna().any():
            log.warning(
                "cluster %s has %d cells, %d are outside it: too few to test its features",
                cluster,
                inside.sum(),
                (~inside).sum(),
            )
        # a stable sort keeps ties, and features that were not tested, in a fixed order
        table = table.sort_values(["auc", "effect"], ascending=False, kind="stable")
        table.insert(1, "rank", np.arange(1, len(table) + 1))
        tables.append(table)
    log.info("ranked %d features for %d clusters", x.shape[1], len(tables))
    return pd.concat(tables, ignore_index=True)


def _against_rest(x, inside):
    """Effect, AUC and adjusted p of each feature of one group of cells."""
    # the mean over no cell would be a warning as well as missing
    mean_out = x[~inside].mean(0) if not inside.all() else np.full(x.shape[1], np.nan)
    mean_in = x[inside].mean(0)
    auc = p = np.full(x.shape[1], np.nan)
    n_in, n_out = inside.sum(), (~inside).sum()
    if min(n_in, n_out) >= FEWEST_CELLS:
        test = mannwhitneyu(x[inside], x[~inside], axis=0, method="asymptotic")
        auc = test.statistic / (n_in * n_out)
        # a constant feature differs nowhere; the test calls it undefined
        p = false_discovery_control(np.nan_to_num(test.pvalue, nan=1.0))
    return pd.DataFrame(
        {
            "effect": mean_in - mean_out,
            "auc": auc,
            "p_adjusted": p,
            "mean_in": mean_in,
            "mean_out": mean_out,
        }
    )
