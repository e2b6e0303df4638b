"""Runs with known scores, and what a comparison makes of them."""

import json
from pathlib import Path

import pandas as pd

from spclust.comparison import kept as comparison_kept
from spclust.comparison import results as comparison
from spclust.comparison import significance
from spclust.comparison import text as comparison_text

CONTROLS = ["random", "truth"]
CLASSES = ["common", "rare 1", "rare 2"]


def leave(
    folder, score, f1=(0.9, 0.5, 0.3), gpu=0.0, seconds=2.0, labelled=True, slices=(), **cost
):
    """What a run leaves, all its scores the same; of slices of a cohort others."""
    (folder / "metrics").mkdir(parents=True)
    names = [*comparison.SCORES] if labelled else []
    scores = {name: score for name in names} | {"silhouette": 0.1}
    scores = pd.DataFrame({"slice": "all", "metric": scores.keys(), "value": scores.values()})
    of_slices = [scores.assign(slice=name, value=0.123) for name in slices]
    pd.concat([scores, *of_slices]).to_csv(folder / "metrics/metrics.tsv", sep="\t", index=False)
    classes = pd.DataFrame(
        {
            "slice": "all",
            "class": CLASSES,
            "cells": [90, 4, 6],
            "cluster": [0, 1, 2],
            "rare": [False, True, True],
            "precision": 1.0,
            "recall": 0.5,
            "f1": f1,
        }
    ).iloc[: 3 if labelled else 0]
    of_slices = [classes.assign(slice=name, rare=True, f1=0.123) for name in slices]
    table = pd.concat([classes, *of_slices])
    table.to_csv(folder / "metrics/class_metrics.tsv", sep="\t", index=False)
    values = {"seconds": seconds, "peak_memory_mb": 300.0, "peak_gpu_memory_mb": gpu}
    (folder / "cost.json").write_text(json.dumps(values | {"device": "cpu", "threads": 1} | cost))


def finish(plan, dataset, run, seed, score=0.5):
    """What a run of a configuration leaves in its folder; returns that."""
    folder = Path(run.folder(dataset, seed))
    leave(folder, score)
    made_with = comparison_kept.settings_of(plan, [(dataset, run.made_with)])
    (folder / "settings.json").write_text(json.dumps(made_with))
    return folder


def compared(folder, values, controls=CONTROLS, kinds=None, groups=None, **options):
    """Results of runs with these scores: {(dataset, run): a score per seed, None where missing}."""
    planned = []
    for (dataset, run), scores in values.items():
        for seed, score in enumerate(scores, start=1):
            place = folder / dataset / run / str(seed)
            if score is not None:
                leave(place, score, **options)
            planned.append((dataset, run, seed, None if score is None else str(place)))
    return comparison.read(planned, controls, kinds, groups)


def statistics(scores):
    return significance.compare(scores, {"own": "a", "panel": "a_p"}, {"one": "x", "two": "y"})


def ranks_of(scores):
    return statistics(scores)[0]


def notes_of(results, about=None, absent=None):
    return comparison_text.notes(results, about or {}, absent or {})


def column(table, name, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    return dict(zip(table["run"], table[name].astype(object).where(table[name].notna(), None)))


THREE = {
    ("one", "a"): [0.8, 0.9],
    ("one", "b"): [0.85, 0.85],
    ("one", "c"): [0.2, 0.4],
    ("one", "random"): [0.0, 0.0],
    ("one", "truth"): [1.0, 1.0],
    ("two", "a"): [0.5, 0.7],
    ("two", "b"): [0.5, 0.5],
    ("two", "c"): [0.9, 0.9],
    ("two", "random"): [0.0, 0.0],
    ("two", "truth"): [1.0, 1.0],
}
