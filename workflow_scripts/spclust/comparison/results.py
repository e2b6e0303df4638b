"""Tables that compare methods over slices and seeds: scores, rare classes, costs."""

import itertools
import json
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from spclust.data.scores import (
    ALL,
    COSTS,
    METRICS,
    OF_CLASS,
    mean_and_sd,
    titles,
    with_places,
)
from spclust.data.tables import read_written
from spclust.errors import UserError
from spclust.plan.groups import GROUP

log = logging.getLogger(__name__)

# what is compared, by the name under which a run's files have it
SCORES, OF_RARE, OF_COST = titles(METRICS), titles(OF_CLASS), titles(COSTS)
TITLES = {name: metric.title for name, metric in METRICS.items()}
ALL_RARE = "(mean of the rare classes)"
# methods meet in a table of one kind of labels and one group of runs
TABLE = ["labels", "group"]
OF_ALL = "(controls)"  # stand in the tables of every group
# the table of each kind of labels
LABELS = {
    "types": "cell types",
    "gates": "cell types",
    "regions": "regions",
    "partition": "regions",
}
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
    kinds, groups : dict of str to str
        ``label_kind`` of each dataset and ``group`` of each run, where not the usual one.
    scores, classes, costs : DataFrame
        ``dataset, run, seed`` and: ``metric`` (as the tables call it) and ``value``; the columns
        of ``class_metrics.tsv``; the keys of ``cost.json`` and ``made``, the day. Of a cohort, of
        all its cells.
    """

    planned: pd.DataFrame
    controls: frozenset
    kinds: dict
    groups: dict
    scores: pd.DataFrame
    classes: pd.DataFrame
    costs: pd.DataFrame


def read(planned, controls=(), kinds=None, groups=None, kept=None, absent=None):
    """Read the runs that are there.

    Parameters
    ----------
    planned : list of (dataset, run, seed, folder or None)
    controls : list of str
        Names of control runs.
    kinds, groups : dict of str to str, optional
        See :class:`Results`.
    kept : tuple of DataFrame, optional
        What :func:`spclust.comparison.values.read` returns: taken in place of those runs.
    absent : dict of str to str, optional
        Dataset to the file that it lacks, for messages.

    Raises
    ------
    UserError
        When there is none.
    """
    scores, classes, costs = [], [], []
    for tables, table in zip((scores, classes, costs), kept or ()):
        tables.append(table)
    in_kept = set(kept[2][_ID].itertuples(index=False, name=None)) if kept else ()
    for dataset, run, seed, folder in planned:
        if folder is None or (dataset, run, seed) in in_kept:
            continue
        place, folder = {"dataset": dataset, "run": run, "seed": seed}, Path(folder)
        for name, tables in (("metrics", scores), ("class_metrics", classes)):
            table = read_written(folder / f"metrics/{name}.tsv", "slice", "class")
            tables.append(table[table["slice"] == ALL].drop(columns="slice").assign(**place))
        cost = folder / "cost.json"
        day = date.fromtimestamp(cost.stat().st_mtime).isoformat()
        costs.append(pd.DataFrame([json.loads(cost.read_text()) | place | {"made": day}]))
    if not costs and absent:
        dataset, path = next(iter(absent.items()))
        raise UserError(
            f"nothing to show: there is no {path}, the file of the dataset {dataset}; check its "
            "`path`"
        )
    if not costs:
        raise UserError(
            "no run of this configuration is finished, so there is nothing to show; start them "
            "with the target `comparison` or `study`, e.g.  snakemake comparison --cores 2 "
            "--keep-going --configfile <the same file>"
        )
    costs = pd.concat(costs, ignore_index=True)
    log.info("%d of %d runs are there", len(costs), len(planned))
    scores = pd.concat(scores, ignore_index=True)
    return Results(
        pd.DataFrame(planned, columns=[*_ID, "folder"]),
        frozenset(controls),
        kinds or {},
        groups or {},
        scores.assign(metric=scores["metric"].map(TITLES)).dropna(subset="metric"),
        # a slice without labels has no classes
        pd.concat([t for t in classes if len(t)] or classes[:1], ignore_index=True),
        costs,
    )


def score_table(results):
    """Scores of every run on every slice (the paper's Table 1), and who is compared.

    Returns
    -------
    DataFrame
        ``labels, group, dataset, metric, run, control, mean, sd, seeds, place``, a row for every
        planned slice and run; controls have the group ``(controls)``. ``place`` is ``best`` or
        ``second`` as printed among the methods of a table (of one kind of labels and one
        group), missing for controls.
    """
    planned = results.planned
    datasets = sorted(planned["dataset"].unique(), key=lambda name: _labels(results, name))
    rows = list(itertools.product(datasets, SCORES.values()))
    table = _over_seeds(results.scores, rows, ["dataset", "metric"], results)
    table.insert(0, "labels", [_labels(results, name) for name in table["dataset"]])
    return with_places(table, ["group", "dataset", "metric"])


def _labels(results, dataset):
    return LABELS[results.kinds.get(dataset, "types")]


def compared(scores):
    """Methods with a score on every slice that has any: only these have an average rank.

    A method that fails on a slice would otherwise gain by it, or its failure would take the
    slice from all others.

    Parameters
    ----------
    scores : DataFrame
        The rows of one table.
    """
    methods = scores[~scores["control"]]
    there = methods.groupby(["dataset", "run"], sort=False)["mean"].count().unstack("run")
    there = there[there.any(axis=1)] == methods["metric"].nunique()
    return [run for run in methods["run"].unique() if len(there) and there[run].all()]


def by_group(table):
    """Rows of each group with those of the controls; titles where there are several groups."""
    names = [name for name in table["group"].unique() if name != OF_ALL]
    for name in names:
        yield name if len(names) > 1 else "", table[table["group"].isin([name, OF_ALL])]


def rare_class_table(results):
    """Precision, recall and F1 of the rare classes of every slice.

    Returns
    -------
    DataFrame
        ``group, dataset, class, cells, metric, run, control, mean, sd, seeds, place``; the class
        ``ALL_RARE`` is the mean over the slice's rare classes. Empty where no class is rare.
    """
    rare = results.classes[results.classes["rare"].astype(bool)]
    sizes = rare.drop_duplicates(["dataset", "class"]).sort_values("cells", ascending=False)
    rows, long = [], []
    for dataset in results.planned["dataset"].unique():
        names = sizes.loc[sizes["dataset"] == dataset, "class"].tolist()
        names += [ALL_RARE] if len(names) > 1 else []
        rows += itertools.product([dataset], names, OF_RARE.values())
    means = rare.groupby(_ID, sort=False)[list(OF_RARE)].mean().reset_index()
    for part in (rare, means.assign(**{"class": ALL_RARE})):
        part = part.rename(columns=OF_RARE)
        long.append(part.melt([*_ID, "class"], list(OF_RARE.values()), var_name="metric"))
    keys = ["dataset", "class", "metric"]
    table = with_places(_over_seeds(pd.concat(long), rows, keys, results), ["group", *keys])
    table = table.merge(sizes[["dataset", "class", "cells"]], "left", ["dataset", "class"])
    order = ["group", "dataset", "class", "cells", "metric"]
    return table[order + [c for c in table if c not in order]].astype({"cells": "Int64"})


def cost_table(results):
    """Time and memory of the clustering of every run (the paper's Table A1).

    Returns
    -------
    DataFrame
        ``group, dataset, metric, run, control, mean, sd, seeds, device, threads``.
    """
    rows = list(itertools.product(results.planned["dataset"].unique(), OF_COST.values()))
    long = results.costs.rename(columns=OF_COST)
    long = long.melt(_ID, list(OF_COST.values()), var_name="metric")
    table = _over_seeds(long, rows, ["dataset", "metric"], results)
    machine = results.costs.groupby(["dataset", "run"])[["device", "threads"]]
    # a comparison may move between machines
    machine = machine.agg(lambda values: ", ".join(map(str, sorted(set(values)))))
    return table.merge(machine.reset_index(), "left", ["dataset", "run"])


def _over_seeds(long, rows, keys, results):
    """Mean, sd and number of seeds of ``value``, for all rows x all planned runs."""
    runs = results.planned["run"].unique()
    # methods in the order of the configuration, controls last
    runs = sorted(runs, key=lambda run: run in results.controls)
    all_rows = pd.DataFrame(
        [(*row, run) for row in rows for run in runs], columns=[*keys, "run"]
    ).assign(control=lambda table: table["run"].isin(results.controls))
    table = all_rows.merge(mean_and_sd(long, [*keys, "run"]), "left", [*keys, "run"])
    groups = [results.groups.get(run, GROUP) for run in table["run"]]
    table.insert(0, "group", pd.Series(groups, table.index).where(~table["control"], OF_ALL))
    table["seeds"] = table["seeds"].fillna(0)
    return table.astype({"mean": float, "sd": float, "seeds": int})
