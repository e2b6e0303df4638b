"""States of the cells of each type: how many are positive for markers of what cells do."""

import difflib
import logging

import numpy as np
import pandas as pd

from spclust.analyses.composition import ALL, levels
from spclust.analyses.kinds import kinds_of
from spclust.analyses.quality.thresholds import above_zero, mixture, otsu
from spclust.data.cell_files import RNA, read_features
from spclust.errors import UserError
from spclust.knowledge.panel import recognise
from spclust.knowledge.signatures import read_knowledge_tables

log = logging.getLogger(__name__)

FEWEST = 200  # values without which no threshold is sought
MIXED = 5000  # values that the mixture is fitted to
CLEAR = 0.1  # valley from which two groups are seen
BINS = 64
BY_DISTRIBUTION, BY_DATASET, GIVEN = "distribution", "dataset", "given"
COLUMNS = ["of", "name", "type", "marker", "cells", "positive", "share", "level"]
MARKERS = ["marker", "where", "cells", "threshold", "by", "unit", "valley", "clear", "positive"]
HISTOGRAMS = ["marker", "value", "cells"]


def analyse(task):
    """Count positive cells of the task's types, see :func:`states`."""
    settings, cells = task.settings, task.cells
    _, proteins = read_knowledge_tables(task.files)
    values = measured(task.files["imported"], proteins, settings["markers"]).loc[cells.ids]
    kinds, thresholds = kinds_of(task), settings["thresholds"]
    return states(values, cells, kinds, task.seed, settings["within"], thresholds, task.samples)


def measured(path, proteins, asked=None):
    """Values of markers of state as the user's file has them.

    Parameters
    ----------
    path : path
        Imported cells.
    proteins : DataFrame
    asked : list of str, optional
        Markers that are wanted, whatever their role.

    Returns
    -------
    DataFrame
        A row a cell. Genes are left out unless they are asked for: most cells have none of each.
    """
    seen = {}

    def chosen(modality, names):
        seen[modality] = names
        if asked is not None:
            return np.isin(names, asked) | np.isin([f"{modality}:{n}" for n in names], asked)
        return (recognise(names, proteins)["role"] == "state").to_numpy() & (modality != RNA)

    values = read_features(path, chosen)
    names = [name for of_one in seen.values() for name in of_one]
    for name in asked or ():
        if not any(name in (column, column.partition(":")[2]) for column in values):
            _refuse("markers", name, names)
    return values


def _refuse(key, name, names):
    near = difflib.get_close_matches(name, list(map(str, names)), 1, cutoff=0.5)
    raise UserError(
        f"analyses.states: {key}: there is no marker {name!r}"
        f"{f'; did you mean {near[0]!r}' if near else ''}? There are "
        f"{', '.join(map(str, names[:40])) or 'none'}{', ...' * (len(names) > 40)}"
    )


def states(values, cells, kinds, seed, within="dataset", thresholds=None, samples=None):
    """Share of the cells of each kind that are positive for each marker.

    Parameters
    ----------
    values : DataFrame, shape (n, markers)
        As measured, NaN where a value is missing.
    cells : Cells, n of them
        Whose images and slices count.
    kinds : Kinds
    seed : int
        Of the sample of values that mixtures are fitted to.
    within : {'dataset', 'slice', 'image'}
    thresholds : dict of str to float, optional
        Given ones.
    samples : DataFrame, optional
        See :func:`spclust.analyses.composition.levels`.

    Returns
    -------
    dict of str to DataFrame
        As the card says.
    """
    thresholds = thresholds or {}
    for name in thresholds:
        if name not in values:
            _refuse("thresholds", name, list(values))
    if values.empty:
        log.warning("no marker of states is among the features; name some:  markers: [Ki67]")
    where = np.full(len(cells), ALL, dtype=object)
    if within != "dataset":
        where = getattr(cells, within).astype(str)
    order = np.argsort(cells.ids.astype(str), kind="stable")
    places = {"all": dict.fromkeys(cells.image, ALL)} | levels(cells, samples)
    tables, markers, histograms = [], [], []
    for name in values:
        raw = values[name].to_numpy(dtype=np.float64)[order]
        unit = np.median(raw[raw > 0]) if (raw > 0).any() else 1.0
        x, there = np.arcsinh(raw / unit), np.isfinite(raw)
        given = thresholds.get(name)
        cutoffs, rows = _cutoffs(x, there, where[order], unit, given, seed)
        positive = np.where(there, x > cutoffs, np.nan)
        for row in rows:
            of_row = positive[(where[order] == row["where"]) & there]
            row |= {"marker": name, "positive": of_row.mean() if len(of_row) else np.nan}
        markers += rows
        tables += _counts(name, x, positive, cells.image[order], kinds.codes[order], kinds, places)
        counts, edges = np.histogram(x[there], BINS if there.any() else 1)
        middles = (edges[1:] + edges[:-1]) / 2
        histograms.append(pd.DataFrame({"marker": name, "value": middles, "cells": counts}))
    unclear = [row["marker"] for row in markers if row["clear"] is False]
    if unclear:
        log.info(
            "%d of %d thresholds part no clear groups: %s",
            len(unclear),
            len(markers),
            ", ".join(dict.fromkeys(unclear)),
        )
    result = {
        "states.csv": (tables, COLUMNS),
        "state_markers.csv": ([pd.DataFrame(markers)] * bool(markers), MARKERS),
        "state_histograms.csv": (histograms, HISTOGRAMS),
    }
    return {
        name: (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns))[
            columns
        ].round(6)
        for name, (parts, columns) in result.items()
    }


def _cutoffs(x, there, where, unit, given, seed):
    """Threshold of each cell on the scale of ``x``, and a row for each place it was sought in."""
    cutoffs, rows = np.empty(len(x)), []
    whole = None
    for place in np.unique(where):
        inside = where == place
        own = x[inside & there]
        row = {"where": place, "cells": len(own), "by": GIVEN, "valley": np.nan, "clear": None}
        if given is not None:
            cutoff = np.arcsinh(given / unit)
        elif len(own) >= FEWEST:
            cutoff, row["valley"] = threshold(own, seed)
            row |= {"by": BY_DISTRIBUTION, "clear": bool(row["valley"] >= CLEAR)}
        else:
            whole = threshold(x[there], seed) if whole is None else whole
            cutoff, row["by"] = whole[0], BY_DATASET
        cutoffs[inside] = cutoff
        rows.append(row | {"threshold": np.sinh(cutoff) * unit, "unit": unit})
    return cutoffs, rows


def threshold(values, seed):
    """Where values part, and how deep the valley between both groups is, 0 to 1.

    The higher of where a mixture of two normal distributions parts and of Otsu's threshold; where
    more than a twentieth are zero, of the others. No value is above that of values all the same.
    """
    seen = values[above_zero(values)]
    if not len(seen) or seen.min() == seen.max():
        return (float(seen.max()) if len(seen) else np.nan), 0.0
    mixed = np.random.default_rng(seed).permutation(len(seen))[:MIXED]
    _, valley, parting = mixture(seen[mixed])
    return max(parting, otsu(seen)), valley


def _counts(marker, x, positive, image, codes, kinds, places):
    """Tables of one marker, one a level."""
    there = np.isfinite(positive)
    for level, name_of in places.items():
        names = pd.Series(image).map(name_of)
        own = there & names.notna().to_numpy()
        table = pd.DataFrame(
            {"name": names[own], "code": codes[own], "positive": positive[own], "x": x[own]}
        )
        every = table.assign(code=-1)
        grouped = pd.concat([every, table]).groupby(["name", "code"])
        counts = grouped.agg(
            cells=("x", "size"), positive=("positive", "sum"), level=("x", "mean")
        ).reset_index()
        counts["type"] = [ALL if code < 0 else kinds.names[code] for code in counts["code"]]
        counts["positive"] = counts["positive"].astype(int)
        counts["share"] = counts["positive"] / counts["cells"]
        yield counts.assign(of=level, marker=marker)
