"""Names of clusters on the labelled protein slices: how many are right, too wide, wrong, missing.

    python tests/comparison/names.py <folder of the slices> <folder for the clusters>

Writes names.tsv and names.md beside itself. Clusters are those of the vote at its defaults, with
the number of classes given, and the reference classes themselves. Clusters in the second folder
are not made again, so a run that was stopped goes on.
"""

import itertools
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from first_labels import HERE, SLICES, STAGES, lines, prepared

from spclust import markers, naming, pools

SEED = 42
RIGHT = HERE / "names_right.csv"
# what a verdict costs: better no name than two wrong ones out of three
COST = {"right": 0.0, "wider": 0.5, "none": 1.0, "wrong": 2.0, "none, rightly": 0.0}
TRIED = {
    "sure": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    "margin": [0.0, 0.2, 0.4, 0.6, 0.8],
    "seen": [naming.SEEN, 0.5, 0.75, 1.0, 1.25, 1.5],
    "wider": [-naming.SEEN, 0.0, naming.SEEN, 0.75],
}
OLD = naming.Bar(sure=0.5, margin=0.0, seen=naming.SEEN, wider=-naming.SEEN)
INTRODUCTION = """# Names of clusters, measured

Written by `python tests/comparison/names.py <folder of the slices> <folder for the clusters>`; every
cluster with its name and verdict in [names.tsv](names.tsv). {n} slices of {studies} studies, seed
{seed}. `vote`: clusters of the stage `votes` at its defaults, number of classes given, each judged by
the reference class of most of its cells. `classes`: the reference classes themselves. Which names
are right for a class, and which wider ones will do, says [names_right.csv](names_right.csv), a row
a class with its reason.

**The labels were in view** when that table was written and the bar chosen. `dkd` labels are
SCGP's partition into compartments of the kidney, `hln` labels regions of a lymph node, those of
`scimap` and `phenoptr` gates on the same proteins. A class without any right name (unidentified
cells) is named rightly by none. A cluster may hold less than half of its majority's cells; the
verdict takes no notice of it.
"""


def clusters_of(folder, kept, name):
    """Prepared cells, their reference classes, and their clusters by the vote."""
    data, cells, labels = prepared(folder, name)
    path = Path(kept) / f"{name}.npy"
    if not path.exists():
        votes = pools.poll(data, cells, labels.nunique(), SEED, **STAGES["votes"].defaults)
        np.save(path, votes.labels["vote"])
    return cells, labels.to_numpy(), np.load(path)


def fitted(folder, kept, right):
    """A row a cluster: its majority class, what is right for that, and its fit to the types."""
    rows = []
    for name in SLICES:
        cells, labels, vote = clusters_of(folder, kept, name)
        study = name.split("_")[0]
        for kind, clusters in {"vote": vote, "classes": pd.factorize(labels, sort=True)[0]}.items():
            for cluster, fit in naming.fits(markers.rank(cells, clusters)).items():
                inside = pd.Series(labels[clusters == cluster]).value_counts()
                if (study, inside.index[0]) not in right.index:
                    raise SystemExit(f"{RIGHT}: has no row for {study}, {inside.index[0]}")
                allowed = right.loc[(study, inside.index[0])]
                rows.append({
                    "slice": name, "study": study, "clusters": kind, "cluster": cluster,
                    "cells": inside.sum(), "class": inside.index[0],
                    "purity": round(inside.iloc[0] / inside.sum(), 3), "fit": fit,
                    "right": allowed["right"].split(";"), "wider": allowed["wider"].split(";"),
                })  # fmt: skip
        print(name, flush=True)
    return pd.DataFrame(rows)


def judged(table, bar):
    """Name and verdict of each cluster by a bar."""
    names = [None if fit is None else fit.best(bar) for fit in table["fit"]]
    verdicts = [
        ("none" if any(right + wider) else "none, rightly") if name is None
        else "right" if name in right else "wider" if name in wider else "wrong"
        for name, right, wider in zip(names, table["right"], table["wider"])
    ]  # fmt: skip
    return table.assign(name=names, verdict=verdicts)


def cost(table, bar):
    """Mean cost of a cluster in each study; the vote's and the classes count alike."""
    found = judged(table, bar)
    own = found["verdict"].map(COST).groupby([found["study"], found["clusters"]]).mean()
    return own.groupby("study").mean()


def shares(found, by, weight=None):
    """Percentage of clusters, or of cells, of each verdict."""
    weights = np.ones(len(found)) if weight is None else found[weight]
    counts = pd.crosstab([found[b] for b in by], found["verdict"], weights, aggfunc="sum")
    counts = counts.reindex(columns=COST).fillna(0)
    counts.index = [" ".join(i) if isinstance(i, tuple) else i for i in counts.index]
    return counts.div(counts.sum(axis=1), axis=0).map("{:.0%}".format)


def said(bar):
    return ", ".join(f"{key} {value:g}" for key, value in asdict(bar).items())


def markdown(table, costs):
    """Verdicts at the chosen bar and the old one, then what leaving out each study gives."""
    n, studies = table["slice"].nunique(), table["study"].nunique()
    text = [INTRODUCTION.format(n=n, studies=studies, seed=SEED)]
    for title, bar in {"The bar of the library": naming.BAR, "The bar before": OLD}.items():
        found = judged(table, bar)
        text.append(f"## {title}\n\n{said(bar)}\n\nOf all clusters:\n\n"
                    + lines(shares(found, ["clusters"])) + "\nOf all cells:\n\n"
                    + lines(shares(found, ["clusters"], "cells"))
                    + "\nClusters of each study:\n\n" + lines(shares(found, ["study", "clusters"])))  # fmt: skip
    rows = {}
    for study in costs.columns:
        best = costs.drop(columns=study).mean(axis=1).idxmin()
        here = [costs.loc[bar, study] for bar in (best, naming.BAR, OLD)]
        rows[study] = [said(best), *map("{:.2f}".format, here)]
    columns = ["best bar on the others", "its cost here", "the library's", "the one before"]
    left_out = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    means = [costs.loc[bar].mean() for bar in (costs.mean(axis=1).idxmin(), naming.BAR, OLD)]
    text.append("## Each study left out\n\nA cluster costs " + ", ".join(
        f"{value:g} ({key})" for key, value in COST.items()) + f". {len(costs)} bars.\n\n"
        + lines(left_out))  # fmt: skip
    text.append("Mean over studies: {:.3f} for the best of all bars, {:.3f} for the library's, {:.3f} "
                "for the one before.\n".format(*means))  # fmt: skip
    near = costs.mean(axis=1).nsmallest(10).map("{:.3f}".format).rename("cost").to_frame()
    near.index = map(said, near.index)
    return "\n".join([*text, "## The ten best bars\n", lines(near)])


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    right = pd.read_csv(RIGHT, keep_default_na=False).set_index(["study", "class"])
    table = fitted(*sys.argv[1:3], right)
    bars = {naming.Bar(*values): None for values in itertools.product(*TRIED.values())}
    costs = pd.DataFrame({bar: cost(table, bar) for bar in (naming.BAR, OLD, *bars)}).T
    (HERE / "names.md").write_text(markdown(table, costs))
    judged(table, naming.BAR).drop(columns=["fit", "right", "wider"]).to_csv(
        HERE / "names.tsv", sep="\t", index=False
    )
