"""Names of clusters on the labelled protein slices: how many are right, too wide, wrong, missing.

    python tests/measured/comparison/names.py <folder of the slices> <folder for the clusters>

Writes names.tsv and names.md beside itself. Clusters are those of the vote at its defaults, with
the number of classes given, and the reference classes themselves. Clusters in the second folder
are not made again, so a run that was stopped goes on.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from first_labels import HERE, SLICES, STAGES, lines, prepared

from spclust.analyses import markers
from spclust.analyses import names as naming
from spclust.stages import votes as pools

SEED = 42
RIGHT = HERE / "names_right.csv"
# what a verdict costs: better no name than two wrong ones out of three
COST = {"right": 0.0, "wider": 0.5, "none": 1.0, "wrong": 2.0, "none, rightly": 0.0}
TRIED = {
    "sure": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    "margin": [0.0, 0.2, 0.4, 0.6],
    "seen": [naming.SEEN, 0.5, 0.75, 1.0, 1.25, 1.5],
}
BARS = [naming.Bar(*values) for values in itertools.product(*TRIED.values())]
OLD = naming.Bar(sure=0.5, margin=0.0, seen=naming.SEEN)
INTRODUCTION = """# Names of clusters, measured

Written by `python tests/measured/comparison/names.py <folder of the slices> <folder for the
clusters>`; every cluster with its name and verdict in [names.tsv](names.tsv). {n} slices of
{studies} studies, seed {seed}. `vote`: clusters of the stage `votes` at its defaults, number
of classes given, each judged by the reference class of most of
its cells. `classes`: the reference classes themselves.
Which names are right for a class, and which wider ones will do, says
[names_right.csv](names_right.csv), a row a class with its reason.

**The labels were in view** when that table was written and the bar chosen. Two facts of the
signature table were suggested by these studies, on which the bar was chosen, too: MUC1 marks
epithelium (`dkd`) and FOXP3 speaks against other immune cells (`phenoptr`); its column
`suggested_by` says so. These names are by markers alone; what cells add is on
[another page](cell_types.md). `dkd` labels are SCGP's partition into compartments of the kidney,
`hln` labels regions of a lymph node, those of `scimap` and `phenoptr` gates on the same proteins. A
class without any right name (unidentified cells) is named rightly by none. A cluster may hold less
than half of its majority's cells; the verdict takes no notice of it.

What a name must reach: `sure`, its probability; `margin`, how far that is above the probability of
`unknown` and of any type neither wider nor narrower; `seen`, how many standard deviations each of
its positive markers is above the other cells.
"""


def clusters_of(folder, kept, name):
    """Prepared cells, their reference classes, and their clusters by the vote."""
    data, cells, labels = prepared(folder, name)
    path = Path(kept) / f"{name}.npy"
    if not path.exists():
        votes = pools.vote(data, cells, labels.nunique(), SEED, **STAGES["votes"].defaults)
        np.save(path.with_suffix(".part.npy"), votes.labels["vote"])
        path.with_suffix(".part.npy").replace(path)
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
                rows.append(
                    {
                        "slice": name,
                        "study": study,
                        "clusters": kind,
                        "cluster": cluster,
                        "cells": inside.sum(),
                        "class": inside.index[0],
                        "purity": round(inside.iloc[0] / inside.sum(), 3),
                        "fit": fit,
                        "right": allowed["right"].split(";"),
                        "wider": allowed["wider"].split(";"),
                    }
                )
        print(name, flush=True)
    return pd.DataFrame(rows)


def judged(table, bar):
    """Name and verdict of each cluster by a bar."""
    names = [None if fit is None else fit.best(bar) for fit in table["fit"]]
    verdicts = [
        ("none" if any(right + wider) else "none, rightly")
        if name is None
        else "right"
        if name in right
        else "wider"
        if name in wider
        else "wrong"
        for name, right, wider in zip(names, table["right"], table["wider"])
    ]
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
    return ", ".join(f"{key} {value:g}" for key, value in vars(bar).items())


def markdown(table, costs):
    """Verdicts at the library's bar and the old one, then what leaving out each study gives."""
    n, studies = table["slice"].nunique(), table["study"].nunique()
    text = [INTRODUCTION.format(n=n, studies=studies, seed=SEED)]
    for title, bar in {"The library's bar": naming.BAR, "The bar before, same tables": OLD}.items():
        found = judged(table, bar)
        text += [
            f"## {title}: {said(bar)}\n",
            "Of all clusters:\n",
            lines(shares(found, ["clusters"])),
            "Of all cells:\n",
            lines(shares(found, ["clusters"], "cells")),
            "Clusters of each study:\n",
            lines(shares(found, ["study", "clusters"])),
        ]
    rows = {}
    for study in costs:
        best = costs.drop(columns=study).mean(axis=1).idxmin()
        rows[study] = [said(best), *costs.loc[[best, naming.BAR, OLD], study]]
    columns = ["best bar on the others", "its cost here", "the library's", "the one before"]
    left_out = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    left_out.loc["mean"] = ["", *left_out.iloc[:, 1:].mean()]
    left_out[columns[1:]] = left_out[columns[1:]].map("{:.3f}".format)
    near = costs.mean(axis=1).nsmallest(10).map("{:.3f}".format).rename("cost").to_frame()
    near.index = map(said, near.index)
    prices = ", ".join(f"{value:g} ({key})" for key, value in COST.items())
    return "\n".join(
        [
            *text,
            f"## Each study left out\n\nA cluster costs {prices}; means over the "
            f"studies. {len(BARS)} bars.\n",
            lines(left_out),
            "## The ten best bars on all studies\n",
            lines(near),
        ]
    )


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    right = pd.read_csv(RIGHT, keep_default_na=False).set_index(["study", "class"])
    table = fitted(*sys.argv[1:3], right)
    costs = pd.DataFrame([cost(table, bar) for bar in BARS], index=BARS)
    (HERE / "names.md").write_text(markdown(table, costs))
    listed = judged(table, naming.BAR).drop(columns=["fit", "right", "wider"])
    listed.to_csv(HERE / "names.tsv", sep="\t", index=False)
