"""Whether differences between methods are more than chance: paired tests over blocks.

A block is what all methods were run on alike, a slice with a seed or a slice alone. Tests and
figure follow Demšar (2006), JMLR 7, with the pairwise test of Benavoli et al. (2016), JMLR 17.
"""

import itertools

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from spclust.reporting import ALPHA, DIGITS


def average_ranks(blocks):
    """Mean rank of each method over blocks, 1 is best; ties share the mean of their ranks.

    Parameters
    ----------
    blocks : DataFrame, (blocks, methods)
        A score, more is better, none missing.

    Returns
    -------
    Series, (methods,)
    """
    return blocks.rank(axis=1, ascending=False).mean()


def friedman(blocks):
    """Friedman's test that all methods are alike.

    Returns
    -------
    chi2, p : float
        Missing with fewer than three methods or two blocks, or where nothing differs.
    """
    if blocks.shape[0] < 2 or blocks.shape[1] < 3 or (blocks.nunique(axis=1) == 1).all():
        return np.nan, np.nan
    found = stats.friedmanchisquare(*blocks.to_numpy().T)
    return float(found.statistic), float(found.pvalue)


def wilcoxon_holm(blocks):
    """Wilcoxon's signed-rank test of every pair of methods, two-sided.

    Returns
    -------
    DataFrame
        ``first``, ``second``, ``blocks``, ``median_difference`` (first minus second), ``p``, and
        ``p_holm``, corrected over all pairs.
    """
    rows = []
    for first, second in itertools.combinations(blocks, 2):
        difference = blocks[first] - blocks[second]
        # the test has nothing to rank where the two never differ
        p = stats.wilcoxon(difference).pvalue if difference.any() else 1.0
        rows.append((first, second, len(difference), difference.median(), p))
    columns = ["first", "second", "blocks", "median_difference", "p"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(p_holm=multipletests(table["p"], method="holm")[1])


def critical_difference(methods, blocks, alpha=ALPHA):
    """Nemenyi's critical difference of two average ranks.

    The quantile is that of the studentized range with infinite degrees of freedom, over √2.
    Missing with fewer than two methods or without a block.
    """
    if methods < 2 or not blocks:
        return np.nan
    q = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * blocks)))


def compare(scores, methods):
    """Paired comparison of methods by every score.

    The units are ``slices and seeds`` (a block for every slice and seed that all methods have)
    and ``slices`` (means over seeds). The seeds of one slice are not independent: p values of
    the former are too small, the latter has few blocks.

    Parameters
    ----------
    scores : DataFrame
        ``dataset, run, seed, metric, value``, more is better.
    methods : list of str
        Runs to compare, with a score on every slice.

    Returns
    -------
    ranks : DataFrame
        ``unit, metric, run, average_rank``; the metric ``all`` is the mean of the others.
    overall : DataFrame
        ``unit, metric, methods, blocks, chi2, p, critical_difference``: Friedman's test, and
        Nemenyi's critical difference at 5 %.
    pairs : DataFrame
        ``unit, metric`` and what :func:`wilcoxon_holm` returns.
    """
    ranks, overall, pairs = [], [], []
    scores = scores[scores["run"].isin(methods)].dropna(subset="value")
    for unit, block in {"slices and seeds": ["dataset", "seed"], "slices": ["dataset"]}.items():
        of_unit = {}
        for metric, values in scores.groupby("metric", sort=False):
            blocks = values.pivot_table("value", block, "run")[methods].dropna().round(DIGITS)
            of_unit[metric] = average_ranks(blocks)
            n, k = blocks.shape
            overall.append((unit, metric, k, n, *friedman(blocks), critical_difference(k, n)))
            pairs.append(wilcoxon_holm(blocks).assign(unit=unit, metric=metric))
        table = pd.DataFrame(of_unit, index=methods)
        table = table.assign(all=table.mean(axis=1)).rename_axis("run").reset_index()
        table = table.melt("run", var_name="metric", value_name="average_rank")
        ranks.append(table.assign(unit=unit))
    columns = ["unit", "metric", "methods", "blocks", "chi2", "p", "critical_difference"]
    pairs = pd.concat(pairs or [wilcoxon_holm(pd.DataFrame())], ignore_index=True)
    return (
        pd.concat(ranks, ignore_index=True)[["unit", "metric", "run", "average_rank"]],
        pd.DataFrame(overall, columns=columns),
        pairs.reindex(columns=dict.fromkeys(["unit", "metric", *pairs])),
    )
