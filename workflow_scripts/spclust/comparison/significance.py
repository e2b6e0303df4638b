"""Whether differences between methods are more than chance: paired tests over slices.

A slice gives one value of each method, the mean over its seeds: seeds of a slice repeat a
measurement, they are none of their own. Tests follow Demšar (2006), JMLR 7: a test of all methods
at once (Friedman, and Iman and Davenport's sharper form of it), then a reference named beforehand
against each of its rivals. Slices of one study share staining, machine and annotator, which
those tests do not know; the interval of a difference does, it comes from resampling whole
studies.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from spclust.comparison.evidence import ALPHA
from spclust.comparison.results import TABLE, compared
from spclust.data.scores import DIGITS

RESAMPLES = 9999
F_SLICES = 4  # fewer make Iman and Davenport's F too bold
OVERALL = ["metric", "methods", "slices", "chi2", "p", "f", "p_f"]
PAIRS = [
    "metric",
    "reference",
    "rival",
    "rivals",
    "slices",
    "studies",
    "difference",
    "low",
    "high",
    "level",
    "p",
    "p_holm",
]


def average_ranks(blocks):
    """Mean rank of each method over slices, 1 is best; ties share the mean of their ranks.

    Parameters
    ----------
    blocks : DataFrame, (slices, methods)
        A score, more is better, none missing.

    Returns
    -------
    Series, (methods,)
    """
    return blocks.rank(axis=1, ascending=False).mean()


def friedman(blocks):
    """Friedman's test that all methods are alike, and Iman and Davenport's form of it.

    The latter is ``F = (n - 1) chi2 / (n (k - 1) - chi2)`` with ``k - 1`` and
    ``(k - 1)(n - 1)`` degrees of freedom for k methods on n slices; the chi-square is too
    cautious where slices are few, and F on two or three far from cautious (of three methods that
    are alike it calls a fifth different at 5 %). Where all slices order the methods alike F has no
    bound, and its p is the share of such orders among all, ``(1 / k!)^(n - 1)``.

    Returns
    -------
    chi2, p, f, p_f : float
        Missing with fewer than three methods or two slices, or where nothing differs; the last two
        with fewer than four slices.
    """
    n, k = blocks.shape
    if n < 2 or k < 3 or (blocks.nunique(axis=1) == 1).all():
        return (np.nan,) * 4
    test = stats.friedmanchisquare(*blocks.to_numpy().T)
    chi2, p = float(test.statistic), float(test.pvalue)
    left = n * (k - 1) - chi2
    if n < F_SLICES:
        return chi2, p, np.nan, np.nan
    if left < 1e-9:
        return chi2, p, np.inf, float(math.factorial(k)) ** (1 - n)
    f = (n - 1) * chi2 / left
    return chi2, p, f, float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))


def against(blocks, reference, studies, resamples=RESAMPLES, waiting=0):
    """A reference method against each rival.

    Parameters
    ----------
    blocks : DataFrame, (slices, methods)
        A score of each slice, more is better.
    reference : str
        The method whose pairs were named beforehand.
    studies : Series, (slices,)
        Study of each slice.
    resamples : int
    waiting : int
        Rivals named with the others that are not there to be tested. They count in Holm's
        correction, or what is found would depend on which are run first.

    Returns
    -------
    DataFrame, a row for each rival
        ``reference``, ``rival``, number of all ``rivals``, ``slices``, ``studies``, mean
        ``difference`` (reference minus rival), its interval ``low`` to ``high`` at ``level``
        (:func:`interval`), ``p`` of Wilcoxon's signed-rank test, two-sided, over slices, and
        ``p_holm``, corrected over all rivals.
    """
    rivals = [run for run in blocks if run != reference]
    if not rivals:
        return pd.DataFrame(columns=PAIRS[1:])
    # equal differences of rounded scores are ties
    differences = -blocks[rivals].sub(blocks[reference], axis=0).round(DIGITS)
    low, high, level = interval(differences, studies, resamples)
    # the test has nothing to rank where the two never differ
    p = [stats.wilcoxon(d).pvalue if d.any() else 1.0 for _, d in differences.items()]
    corrected = multipletests([*p, *[1.0] * waiting], method="holm")[1][: len(p)]
    table = {
        "reference": reference,
        "rival": rivals,
        "rivals": len(rivals) + waiting,
        "slices": len(blocks),
        "studies": studies.loc[blocks.index].nunique(),
        "difference": differences.mean().to_numpy(),
        "low": low,
        "high": high,
        "level": level,
        "p": p,
        "p_holm": corrected,
    }
    return pd.DataFrame(table)


def interval(differences, studies, resamples=RESAMPLES):
    """Interval of mean differences by resampling studies, each with all its slices.

    Percentiles of a bootstrap are too narrow for few units, as if a normal were taken for
    Student's t and the spread were over n, not n - 1. They are put farther out by as much
    (Hesterberg 2015, The American Statistician 69, the expanded percentile interval). With
    fewer than six studies no percentile is far enough: from the least to the greatest mean of a
    study is then all there is, which holds the true mean of symmetric differences with a
    probability of ``1 - 2^(1 - studies)``, and that is the level.

    Parameters
    ----------
    differences : DataFrame, (slices, rivals)
    studies : Series, (slices,)
    resamples : int

    Returns
    -------
    low, high : array, shape (rivals,)
        Missing with one study.
    level : float
        95 % with six studies or more.
    """
    groups = differences.groupby(studies.loc[differences.index].to_numpy())
    sums, sizes = groups.sum().to_numpy().T, groups.size().to_numpy()
    n = len(sizes)
    if n < 2:
        nothing = np.full(len(sums), np.nan)
        return nothing, nothing, np.nan
    level = min(1 - ALPHA, 1 - 2.0 ** (1 - n))
    if level < 1 - ALPHA:
        return (sums / sizes).min(axis=1), (sums / sizes).max(axis=1), level
    t = stats.t.ppf(1 - ALPHA / 2, n - 1) * np.sqrt(n / (n - 1))
    limits = stats.bootstrap(
        (sums, np.broadcast_to(sizes, sums.shape)),
        lambda total, count, axis: total.sum(axis=axis) / count.sum(axis=axis),
        paired=True,
        vectorized=True,
        axis=-1,
        method="percentile",
        n_resamples=resamples,
        confidence_level=1 - 2 * stats.norm.sf(t),
        rng=np.random.default_rng(0),
    ).confidence_interval
    return limits.low, limits.high, level


def compare(scores, references=None, studies=None, named=None):
    """Ranks and tests of each table of scores, one value for each slice and method.

    Only methods with a score on every slice of a table take part, see
    :func:`spclust.comparison.results.compared`; in the correction of pairs the others count.

    Parameters
    ----------
    scores : DataFrame
        What :func:`spclust.comparison.results.score_table` returns.
    references : dict of str to str, optional
        Group to the run whose pairs are tested there; without one none are.
    studies : dict of str to str, optional
        Study of each slice; one that is not there is a study of its own.
    named : dict of str to int, optional
        Group to the number of its runs that the configuration names, also of those of which there
        is nothing yet; left out, those of ``scores``.

    Returns
    -------
    ranks : DataFrame
        ``labels, group, metric, run, average_rank``; the metric ``all`` is the mean of the others.
    overall : DataFrame
        ``labels, group, metric, methods, slices`` and what :func:`friedman` returns.
    pairs : DataFrame
        ``labels, group, metric`` and what :func:`against` returns.
    """
    ranks, overall, pairs = [], [], []
    methods = scores[~scores["control"]]
    for table, rows in methods.groupby(TABLE, sort=False):
        runs = compared(rows)
        if not runs:
            continue
        waiting = (named or {}).get(table[1], rows["run"].nunique()) - len(runs)
        reference, of_metric = (references or {}).get(table[1]), {}
        rows = rows[rows["run"].isin(runs)].dropna(subset="mean")
        for metric, values in rows.groupby("metric", sort=False):
            blocks = values.pivot(index="dataset", columns="run", values="mean")[runs]
            blocks = blocks.round(DIGITS)
            of_metric[metric] = average_ranks(blocks)
            overall.append((*table, metric, len(runs), len(blocks), *friedman(blocks)))
            if reference in runs:
                names = {name: (studies or {}).get(name, name) for name in blocks.index}
                differences = against(blocks, reference, pd.Series(names), waiting=waiting)
                pairs.append(differences.assign(labels=table[0], group=table[1], metric=metric))
        means = pd.DataFrame(of_metric, index=runs)
        means = means.assign(all=means.mean(axis=1)).rename_axis("run").reset_index()
        means = means.melt("run", var_name="metric", value_name="average_rank")
        ranks.append(means.assign(labels=table[0], group=table[1]))
    return (
        _together(ranks, [*TABLE, "metric", "run", "average_rank"]),
        pd.DataFrame(overall, columns=[*TABLE, *OVERALL]),
        _together(pairs, [*TABLE, *PAIRS]),
    )


def _together(parts, columns):
    # an empty table has no types to keep
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
