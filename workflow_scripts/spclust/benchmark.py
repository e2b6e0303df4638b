"""Tables that compare methods over slices and seeds: scores, rare classes, costs, tests."""

import itertools
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from spclust import significance
from spclust.errors import UserError

log = logging.getLogger(__name__)

# what each table shows, by the name under which a run's files have it
SCORES = {"accuracy": "ACC", "ARI": "ARI", "NMI": "NMI", "macro_F1": "macro-F1"}
RARE = {"precision": "precision", "recall": "recall", "f1": "F1"}
COSTS = {
    "seconds": "time (s)",
    "peak_memory_mb": "peak host memory (MB)",
    "peak_gpu_memory_mb": "peak GPU memory (MB)",
}
ALL_RARE = "(mean of the rare classes)"
# Means equal to the last printed digit are equal: nobody wins by what is not shown.
DIGITS = 3
_ID = ["dataset", "run", "seed"]


@dataclass(frozen=True)
class Results:
    """What the runs of a comparison left, a row per value.

    Attributes
    ----------
    planned : DataFrame
        ``dataset, run, seed, folder`` of every run; the folder is missing where there is none.
    controls : frozenset of str
        Runs that bound the tables and are not ranked.
    scores, classes, costs : DataFrame
        ``dataset, run, seed`` and: ``metric, value``; the columns of ``class_metrics.tsv``;
        the keys of ``cost.json``.
    """

    planned: pd.DataFrame
    controls: frozenset
    scores: pd.DataFrame
    classes: pd.DataFrame
    costs: pd.DataFrame


def read(planned, controls=()):
    """Read the runs that are there.

    Parameters
    ----------
    planned : list of (dataset, run, seed, folder or None)
    controls : list of str
        Names of control runs.

    Raises
    ------
    UserError
        When there is none.
    """
    scores, classes, costs = [], [], []
    for dataset, run, seed, folder in planned:
        if folder is None:
            continue
        place, folder = {"dataset": dataset, "run": run, "seed": seed}, Path(folder)
        scores.append(pd.read_csv(folder / "metrics.tsv", sep="\t").assign(**place))
        classes.append(
            pd.read_csv(folder / "class_metrics.tsv", sep="\t", dtype={"class": str}).assign(
                **place
            )
        )
        costs.append(json.loads((folder / "cost.json").read_text()) | place)
    if not scores:
        raise UserError(
            "no run of this configuration is finished, so there is nothing to compare; start them "
            "with: snakemake --cores 2 benchmark --keep-going --configfile <the same file>"
        )
    log.info("%d of %d runs are there", len(scores), len(planned))
    return Results(
        pd.DataFrame(planned, columns=[*_ID, "folder"]),
        frozenset(controls),
        pd.concat(scores, ignore_index=True),
        # a slice without labels has no classes
        pd.concat([t for t in classes if len(t)] or classes[:1], ignore_index=True),
        pd.DataFrame(costs),
    )


def score_table(results):
    """Scores of every run on every slice (the paper's Table 1), and who is compared.

    Returns
    -------
    DataFrame
        ``dataset, metric, run, control, mean, sd, seeds, place, rank``, a row for every planned
        slice. ``place`` is ``best`` or ``second`` among the methods as printed, ``rank`` that of
        the :func:`compared` methods; both are missing for controls.
    """
    datasets = results.planned["dataset"].unique()
    rows = list(itertools.product(datasets, SCORES.values()))
    long = results.scores.assign(metric=results.scores["metric"].map(SCORES))
    table = _summary(long, rows, ["dataset", "metric"], results)
    table = _with_places(table, ["dataset", "metric"])
    ranked = table["run"].isin(compared(table))
    ranks = table[ranked].groupby(["dataset", "metric"], sort=False)["mean"]
    table["rank"] = ranks.transform(lambda means: means.round(DIGITS).rank(ascending=False))
    return table


def compared(scores):
    """Methods with a score on every slice that has any: only these have an average rank.

    A method that fails on a slice would otherwise gain by it, or its failure would take the
    slice from all others.
    """
    methods = scores[~scores["control"]]
    there = methods.groupby(["dataset", "run"], sort=False)["mean"].count().unstack("run")
    there = there[there.any(axis=1)] == len(SCORES)
    return [run for run in methods["run"].unique() if len(there) and there[run].all()]


def rare_class_table(results):
    """Precision, recall and F1 of the rare classes of every slice.

    Returns
    -------
    DataFrame
        ``dataset, class, cells, metric, run, control, mean, sd, seeds, place``; the class
        ``ALL_RARE`` is the mean over the slice's rare classes. Empty where no class is rare.
    """
    rare = results.classes[results.classes["rare"].astype(bool)]
    sizes = rare.drop_duplicates(["dataset", "class"]).sort_values("cells", ascending=False)
    rows, long = [], []
    for dataset in results.planned["dataset"].unique():
        names = sizes.loc[sizes["dataset"] == dataset, "class"].tolist()
        names += [ALL_RARE] if len(names) > 1 else []
        rows += itertools.product([dataset], names, RARE.values())
    means = rare.groupby(_ID, sort=False)[list(RARE)].mean().reset_index()
    for part in (rare, means.assign(**{"class": ALL_RARE})):
        part = part.rename(columns=RARE)
        long.append(part.melt([*_ID, "class"], list(RARE.values()), var_name="metric"))
    keys = ["dataset", "class", "metric"]
    table = _with_places(_summary(pd.concat(long), rows, keys, results), keys)
    table = table.merge(sizes[["dataset", "class", "cells"]], "left", ["dataset", "class"])
    order = ["dataset", "class", "cells", "metric"]
    return table[order + [c for c in table if c not in order]].astype({"cells": "Int64"})


def cost_table(results):
    """Time and memory of the clustering of every run (the paper's Table A1).

    Returns
    -------
    DataFrame
        ``dataset, metric, run, control, mean, sd, seeds, device, threads``.
    """
    rows = list(itertools.product(results.planned["dataset"].unique(), COSTS.values()))
    long = results.costs.rename(columns=COSTS).melt(_ID, list(COSTS.values()), var_name="metric")
    table = _summary(long, rows, ["dataset", "metric"], results)
    machine = results.costs.groupby(["dataset", "run"])[["device", "threads"]]
    # a benchmark may move between machines
    machine = machine.agg(lambda values: ", ".join(map(str, sorted(set(values)))))
    return table.merge(machine.reset_index(), "left", ["dataset", "run"])


def tests(results, scores):
    """Paired comparison of the :func:`compared` methods.

    The units are ``slices and seeds`` (a block for every slice and seed that all of them have)
    and ``slices`` (means over seeds). The seeds of one slice are not independent: p values of
    the former are too small, the latter has few blocks.

    Returns
    -------
    ranks : DataFrame
        ``unit, metric, run, average_rank``; the metric ``all`` is the mean of the others.
    friedman : DataFrame
        ``unit, metric, methods, blocks, chi2, p, critical_difference`` (Nemenyi, 5 %).
    pairs : DataFrame
        ``unit, metric`` and what :func:`spclust.significance.wilcoxon_holm` returns.
    """
    methods, ranks, overall, pairs = compared(scores), [], [], []
    long = results.scores.assign(metric=results.scores["metric"].map(SCORES))
    long = long[long["run"].isin(methods)].dropna(subset=["metric", "value"])
    for unit, block in {"slices and seeds": ["dataset", "seed"], "slices": ["dataset"]}.items():
        of_unit = {}
        for metric, values in long.groupby("metric", sort=False):
            place = {"unit": unit, "metric": metric}
            blocks = values.pivot_table("value", block, "run")[methods].dropna().round(DIGITS)
            of_unit[metric] = significance.average_ranks(blocks)
            chi2, p = significance.friedman(blocks)
            n, k = blocks.shape
            critical = significance.critical_difference(k, n)
            overall.append((unit, metric, k, n, chi2, p, critical))
            pairs.append(significance.wilcoxon_holm(blocks).assign(**place))
        table = pd.DataFrame(of_unit, index=methods)
        table = table.assign(all=table.mean(axis=1)).rename_axis("run").reset_index()
        table = table.melt("run", var_name="metric", value_name="average_rank")
        ranks.append(table.assign(unit=unit))
    columns = ["unit", "metric", "methods", "blocks", "chi2", "p", "critical_difference"]
    pairs = pd.concat(pairs or [significance.wilcoxon_holm(pd.DataFrame())], ignore_index=True)
    return (
        pd.concat(ranks, ignore_index=True)[["unit", "metric", "run", "average_rank"]],
        pd.DataFrame(overall, columns=columns),
        pairs.reindex(columns=dict.fromkeys(["unit", "metric", *pairs])),
    )


def rounded(table):
    """Six decimals, but of p values, which may be smaller than that, six digits."""
    columns = table.select_dtypes("float").columns
    small = columns.intersection(["p", "p_holm"])
    digits = {c: table[c].map("{:.6g}".format).astype(float) for c in small}
    return table.round({c: 6 for c in columns.difference(small)}).assign(**digits)


def _summary(long, rows, keys, results):
    """Mean, sample sd and number of seeds of ``value``, for all rows x all planned runs."""
    runs = results.planned["run"].unique()
    # methods in the order of the configuration, controls last
    runs = sorted(runs, key=lambda run: run in results.controls)
    wanted = pd.DataFrame(
        [(*row, run) for row in rows for run in runs], columns=[*keys, "run"]
    ).assign(control=lambda table: table["run"].isin(results.controls))
    stats = long.groupby([*keys, "run"])["value"].agg(mean="mean", sd="std", seeds="count")
    table = wanted.merge(stats.reset_index(), "left", [*keys, "run"])
    table["seeds"] = table["seeds"].fillna(0)
    return table.astype({"mean": float, "sd": float, "seeds": int})


def _with_places(table, keys):
    """Mark the best and the second of each row, as printed; controls do not compete."""
    printed = table["mean"].where(~table["control"]).round(DIGITS)
    place = printed.groupby([table[key] for key in keys]).rank("dense", ascending=False)
    return table.assign(place=place.map({1.0: "best", 2.0: "second"}))
