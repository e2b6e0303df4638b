"""Values of a comparison's runs as tables that can be kept; see :mod:`spclust.comparison.kept`."""

from pathlib import Path

import pandas as pd

from spclust.comparison.files import KEPT, broken
from spclust.comparison.results import TITLES
from spclust.data.scores import METRICS, OF_CLASS

ID = ["dataset", "run", "seed"]
_OF_RUNS, _OF_CLASSES = [*ID, "folder", "made"], [*ID, "class", "cells", *OF_CLASS]
_TEXT = dict.fromkeys(
    ["dataset", "run", "class", "device", "made", "code"], str
)  # may be called NA


def tables(results):
    """What is kept of results.

    Parameters
    ----------
    results : spclust.comparison.results.Results

    Returns
    -------
    runs : DataFrame
        ``dataset, run, seed, folder, made``, what the run took (the keys of ``cost.json``) and
        its scores by their names in ``metrics.tsv``, a row for each run that is there.
    classes : DataFrame
        ``dataset, run, seed, class, cells, precision, recall, f1`` of rare classes.
    """
    wide = results.scores.pivot(index=ID, columns="metric", values="value")
    wide = wide.rename(columns={title: name for name, title in TITLES.items()})
    wide = wide[[name for name in METRICS if name in wide]]
    runs = results.planned.merge(results.costs, "inner", ID)
    runs = runs[[*ID, "folder", "made", *(c for c in results.costs if c not in (*ID, "made"))]]
    classes = results.classes[results.classes["rare"].astype(bool)]
    classes = runs[ID].merge(classes, "inner", ID)[[*ID, "class", "cells", *OF_CLASS]]
    return runs.merge(wide.reset_index(), "left", ID), classes


def read(asked):
    """Read what is kept of some runs.

    Parameters
    ----------
    asked : iterable of (str, str, int, str, path)
        Dataset, run, seed, its folder below ``results``, and the folder that keeps its values,
        where it may have another name.

    Returns
    -------
    scores, classes, costs : DataFrame
        As :func:`spclust.comparison.results.read` reads them of runs. None where nothing is wanted.
    """
    asked = pd.DataFrame([[*row] for row in asked], columns=[*ID, "folder", "kept"])
    of_folders = [_read(folder, rows) for folder, rows in asked.groupby("kept", sort=False)]
    if not of_folders:
        return None
    runs, classes = (pd.concat(tables, ignore_index=True) for tables in zip(*of_folders))
    named = [name for name in METRICS if name in runs]
    scores = runs.melt(ID, named, var_name="metric").dropna(subset="value")
    return scores, classes.assign(rare=True), runs.drop(columns=["folder", *named])


def _table(folder, name, columns):
    """A file of a folder, whatever is not text as numbers."""
    try:
        table = pd.read_csv(
            Path(folder, name), sep="\t", converters=_TEXT, float_precision="round_trip"
        )
        lost = [column for column in columns if column not in table]
        if lost:
            raise ValueError(f"it lacks the columns {', '.join(lost)}")
        numbers = [c for c in table if c in METRICS or c in OF_CLASS or c == "seed"]
        table[numbers] = table[numbers].apply(pd.to_numeric)
    except (ValueError, TypeError) as error:
        raise broken(f"{folder}/{name}", error) from None
    return table.rename(columns={"run": "there"})


def _read(folder, asked):
    """Rows of some runs in the two tables of a folder."""
    runs, classes = (_table(folder, *of_file) for of_file in zip(KEPT, (_OF_RUNS, _OF_CLASSES)))
    # two runs may have been one and the same
    runs = runs.drop_duplicates("folder").drop(columns=["dataset", "seed"])
    runs = asked.drop(columns="kept").merge(runs, "inner", "folder")
    classes = runs[[*ID, "there"]].merge(classes, "inner", ["dataset", "there", "seed"])
    return runs.drop(columns="there"), classes.drop(columns="there")
