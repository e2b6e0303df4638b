"""Whether differences between methods are more than chance: paired tests over blocks.

A block is what all methods were run on alike, a slice with a seed or a slice alone. Tests and
figure follow Demšar (2006), JMLR 7, with the pairwise test of Benavoli et al. (2016), JMLR 17.
"""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

ALPHA = 0.05


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
    return table.assign(p_holm=holm(table["p"]))


def holm(p):
    """p values corrected by Holm's step-down method, in the order given."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, 1)
    return corrected


def critical_difference(methods, blocks, alpha=ALPHA):
    """Nemenyi's critical difference of two average ranks.

    The quantile is that of the studentized range with infinite degrees of freedom, over √2.
    Missing with fewer than two methods or without a block.
    """
    if methods < 2 or not blocks:
        return np.nan
    q = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * blocks)))
