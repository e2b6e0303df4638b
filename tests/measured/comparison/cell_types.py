"""Types of cells on the labelled protein slices and on planted tissue: how many are right.

    python tests/measured/comparison/cell_types.py <folder of the slices> <folder for the votes>

Writes cell_types.tsv and cell_types.md beside itself. Votes in the second folder are not made
again, so a run that was stopped goes on.
"""

import itertools
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from first_labels import HERE, SLICES, STAGES, lines, prepared
from names import COST, RIGHT
from sklearn.metrics import adjusted_rand_score

from spclust.analyses import calibration, markers, shares, types
from spclust.analyses import names as naming
from spclust.data.votes import Votes
from spclust.knowledge import cell_types
from spclust.knowledge import types as celltypes
from spclust.knowledge.signatures import lineage_of, read_signatures
from spclust.stages import votes as pools
from spclust.stages.simulate import simulate_tissue

SEEDS, COVERAGE = (42, 43, 44), 0.9
# labels of dkd are compartments, those of hln regions
TYPED = [name for name in SLICES if name.split("_")[0] not in ("dkd", "hln")]
EIGHT = [name for name in TYPED if not name.startswith("phenoptr")]
PLANTED = [
    {"noise": noise, "spill_over": spill, "seed": seed}
    for noise, spill, seed in itertools.product((0.3, 0.6, 0.9), (0.1, 0.25), (1, 2, 3))
]
SIGNATURES = read_signatures()
VERDICTS = ("right", "wider", "none", "wrong")
SCORES = (*VERDICTS, "right or narrower", "recall", "ARI")
# settings of :mod:`spclust.knowledge.cell_types` among which leaving out a study chooses
TRIED = {
    "FITS": (0.5, 0.75, 1.0, 1.25),
    "CONTRADICTION": (0.5, 1.0, 1.5),
    "INHERITED": (0.0, 0.5, 1.0),
    "SHARPNESS": (2.0, 3.0, 4.0),
}
TEMPERATURES = (0.8, 0.9, 1.0, 1.05, 1.1, 1.25, 1.5)
SHARES = (0.5, 0.6, 0.7, 0.8, 1.01)
INTRODUCTION = """# Types of cells, measured

Written by `python tests/measured/comparison/cell_types.py <folder of the slices> <folder for the
votes>`; all values in [cell_types.tsv](cell_types.tsv). {n} slices of {studies} studies, seeds
{seeds}, means over seeds, then over slices. Clusters are those of the vote at its defaults with the
number of classes given; types get no number. Cells without a class and classes of fewer than 50
cells are dropped, as everywhere here. What is right for a class, and which wider types will do,
says [names_right.csv](names_right.csv). A type narrower than the class says (a CD4 T cell where the
class is T cells) is wrong by that table; `right or narrower` counts it as right. `recall` is the
mean over the classes of the share right; classes for which nothing is right (unidentified cells)
count for ARI only. Labels of `scimap` and `phenoptr` are gates on the same proteins.

**What was in view.** Labels of all these slices, when the way, its settings and the figures below
were made; the tables with a study left out say what the settings owe to it, not what the way does.
Rows of the signature table were suggested by some of these slices, see its column `suggested_by`.
"""


def voted(data, cells, n_clusters, seed, folder):
    """The vote on some cells, kept in a folder."""
    if not (folder / "votes.npz").exists():
        found = pools.vote(data, cells, n_clusters, seed, **STAGES["votes"].defaults)
        folder.mkdir(parents=True, exist_ok=True)
        # the one that is looked for comes last
        names = ("votes.csv", "members.csv", "votes_cost.json")
        found.write(folder / "whole.npz", *(folder / name for name in names))
        (folder / "whole.npz").replace(folder / "votes.npz")
    return Votes.read(folder / "votes.npz", cells.ids)


def slices(folder, kept):
    """Each slice and seed: name, study, seed, cells, classes and the vote."""
    for name in TYPED:
        data, cells, labels = prepared(folder, name)
        for seed in SEEDS:
            vote = voted(data, cells, labels.nunique(), seed, Path(kept) / f"{name}_{seed}")
            yield name, name.split("_")[0], seed, cells, labels.to_numpy(), vote
        print(name, flush=True)


def planted(kept):
    """Each planted tissue: its settings, cells, types and the vote."""
    for plan in PLANTED:
        name = "planted_n{noise}_s{spill_over}_{seed}".format(**plan)
        tissue = simulate_tissue(2000, 30, 2, names="known", state_markers=3, staining=0.1, **plan)
        with tempfile.TemporaryDirectory() as folder:
            tissue.write_h5ad(Path(folder) / f"{name}.h5ad")
            data, cells, labels = prepared(folder, name)
        yield plan, cells, labels.to_numpy(), voted(data, cells, 8, 42, Path(kept) / f"{name}_42")


def allowed(study, labels):
    """For every class its right types and the wider ones that will do."""
    if study == "planted":
        return {c: ({c}, set(lineage_of(c, SIGNATURES)[1:])) for c in set(labels)}
    right = pd.read_csv(RIGHT, keep_default_na=False).set_index(["study", "class"])
    rows = {c: right.loc[(study, c)] for c in set(labels)}
    return {
        c: tuple({*row[k].split(";")} - {""} for k in ("right", "wider")) for c, row in rows.items()
    }


def verdicts(names, labels, study):
    """Verdict on each cell's type; missing where nothing is right for its class."""
    judged = allowed(study, labels)

    def verdict(name, label):
        right, wider = judged[label]
        if not right:
            return None
        if name == cell_types.UNKNOWN:
            return "none"
        narrower = right & {*lineage_of(name, SIGNATURES)}
        return (
            "right"
            if name in right
            else "wider"
            if name in wider
            else "narrower"
            if narrower
            else "wrong"
        )

    kinds = {pair: verdict(*pair) for pair in set(zip(names, labels))}
    return np.array([kinds[pair] for pair in zip(names, labels)], dtype=object)


def scored(names, labels, study):
    """Scores of types of cells, by name."""
    found = verdicts(names, labels, study)
    there = found != None  # noqa: E711, of an array
    share = pd.Series(found[there]).value_counts(normalize=True)
    scores = {kind: share.get(kind, 0.0) for kind in VERDICTS}
    scores["right or narrower"] = scores["right"] + share.get("narrower", 0.0)
    scores["wrong"] += share.get("narrower", 0.0)
    right = pd.Series(found[there] == "right").groupby(labels[there])
    return scores | {"recall": right.mean().mean(), "ARI": adjusted_rand_score(labels, names)}


def trusted(found, names, probability, labels, study):
    """How far probabilities and sets hold: a wider or narrower type of the class is true, too."""
    kinds = verdicts(names, labels, study)
    there = kinds != None  # noqa: E711
    true = np.isin(kinds[there], ("right", "wider", "narrower"))
    sets, judged = found.sets(COVERAGE), allowed(study, labels)
    covered = np.zeros(len(labels), dtype=bool)
    for label, (right, _) in judged.items():
        own = [i for i, t in enumerate(found.types) if right & {*lineage_of(t, SIGNATURES)}]
        covered[labels == label] = sets[labels == label][:, own].any(axis=1)
    table = calibration.reliability(true, probability[there])
    return {
        "ECE": calibration.calibration_error(table),
        "coverage": covered[there].mean(),
        "set size": sets.sum(axis=1).mean(),
        "unsure": (probability < cell_types.SUPPORTED).mean(),
    }


def named(cells, clusters, of_cells, share):
    """Type of each cluster as the analysis names it, ``unknown`` without one."""
    sizes = pd.Series(clusters, index=cells.ids)
    table = pd.DataFrame({"cell": cells.ids, "type": of_cells})
    of_types = None if share is None else shares.of_types(sizes, table)
    with patch.object(shares, "MOST_CELLS", share or 0):
        names = naming.name_clusters(
            markers.rank(cells, clusters), sizes.value_counts(), shares=of_types
        )
    return names.set_index("cluster")["type"].fillna(cell_types.UNKNOWN)


def measured(folder, kept):
    """Rows of scores: of slices by ways, of clusters by ways, of settings, of temperatures."""
    rows, clusters, tried, sharp = [], [], [], []
    for name, study, seed, cells, labels, vote in slices(folder, kept):
        at = {"slice": name, "study": study, "seed": seed}
        own = vote.labels["vote"]
        rows.append({**at, "way": "the vote", "ARI": adjusted_rand_score(labels, own)})
        alone = celltypes.score(cells)
        best = np.array([*alone.types, cell_types.UNKNOWN], dtype=object)
        rows.append(
            {
                **at,
                "way": "scores of cells",
                **scored(best[alone.probability.argmax(axis=1)], labels, study),
            }
        )
        by_markers = named(cells, own, None, None)
        rows.append(
            {
                **at,
                "way": "names of clusters, by markers",
                **scored(by_markers[own].to_numpy(), labels, study),
            }
        )
        for way, groups in {
            "types, one clustering": types.groupings(own),
            "types": types.groupings(own, vote),
        }.items():
            found = cell_types.tell(cells, groups)
            of_cells, probability = found.narrowest()
            own_scores = scored(of_cells, labels, study)
            own_scores |= trusted(found, of_cells, probability, labels, study)
            rows.append({**at, "way": way, **own_scores})
        for share in SHARES:
            by_cells = named(cells, own, of_cells, share)
            if share == shares.MOST_CELLS:
                way = "names of clusters, by markers, then cells"
                rows.append({**at, "way": way, **scored(by_cells[own].to_numpy(), labels, study)})
            majority = pd.Series(labels).groupby(own).agg(lambda of: of.value_counts().index[0])
            kinds = verdicts(by_cells[majority.index].to_numpy(), majority.to_numpy(), study)
            for kind, size in zip(kinds, np.bincount(own)):
                kind = {None: "none, rightly", "narrower": "wrong"}.get(kind, kind)
                clusters.append({**at, "share": share, "verdict": kind, "cells": size})
        if seed == SEEDS[0]:
            tried += [{**at, **own} for own in settings(cells, groups, labels, study)]
            sharp += [{**at, **own} for own in temperatures(cells, groups, labels, study)]
    return tuple(map(pd.DataFrame, (rows, clusters, tried, sharp)))


def settings(cells, groups, labels, study):
    """Scores by the settings that are tried."""
    for values in itertools.product(*TRIED.values()):
        with patch.multiple(cell_types, **dict(zip(TRIED, values))):
            names, _ = cell_types.tell(cells, groups).narrowest()
        yield {"setting": said(values), **scored(names, labels, study)}


def temperatures(cells, groups, labels, study):
    """Calibration by the temperatures that are tried."""
    for value in TEMPERATURES:
        with patch.object(cell_types, "TEMPERATURE", value):
            found = cell_types.tell(cells, groups)
        yield {"temperature": value, **trusted(found, *found.narrowest(), labels, study)}


def said(values):
    return ", ".join(f"{key} {value:g}" for key, value in zip(TRIED, values))


def left_out(table, key, score, chosen):
    """What each study gets where the others choose, and what it has in the library."""
    by = table.groupby(["study", key])[[*score]].mean()
    overall, rows = by.mean(axis=1).unstack(), {}
    for study in overall.index:
        best = overall.drop(index=study).mean().idxmax()
        rows[study] = [best, *by.loc[(study, best)], *by.loc[(study, chosen)]]
    columns = ["best on the others", *score, *(f"{s}, library" for s in score)]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    # and as other tables have it, a slice as much as another
    sizes = table.groupby("study")["slice"].nunique()[frame.index].to_numpy()
    found = frame[columns[1:]]
    over = np.average(found, axis=0, weights=sizes)
    return pd.concat(
        [with_mean(frame), rounded(pd.DataFrame([["", *over]], ["mean of slices"], columns))]
    )


def with_mean(frame):
    """A table with the mean of its numbers as the last row, rounded to print."""
    numbers = frame.select_dtypes("float").columns
    frame = frame.copy().astype(object)
    frame.loc["mean"] = [frame[c].mean() if c in numbers else "" for c in frame]
    return rounded(frame)


def rounded(frame):
    return frame.map(lambda v: "" if pd.isna(v) else f"{v:.3f}" if isinstance(v, float) else v)


def of_planted(kept):
    """Scores on planted tissue, a row a tissue."""
    rows = []
    for plan, cells, labels, vote in planted(kept):
        found = cell_types.tell(cells, types.groupings(vote.labels["vote"], vote))
        names, probability = found.narrowest()
        scores = scored(names, labels, "planted")
        scores |= trusted(found, names, probability, labels, "planted")
        rows.append({**plan, **scores})
    return pd.DataFrame(rows)


def markdown(rows, clusters, tried, sharp, tissue):
    """The page."""
    means = rows.groupby(["way", "slice", "study"], sort=False).mean(numeric_only=True)
    means = means.drop(columns="seed").reset_index()
    eight, whole = means[means["slice"].isin(EIGHT)], means
    by_way = {
        k: t.groupby("way", sort=False)[[*SCORES]].mean()
        for k, t in {"e": eight, "n": whole}.items()
    }
    per_slice = means[means["way"] == "types"].set_index("slice")
    vote = means[means["way"] == "the vote"].set_index("slice")["ARI"]
    trust = ["ECE", "coverage", "set size", "unsure"]
    spread = rows[rows["way"] == "types"].groupby("slice")[[*SCORES]].std().mean()
    chosen = said([getattr(cell_types, key) for key in TRIED])
    sharp = sharp.assign(negative=-sharp["ECE"])
    calm = left_out(sharp, "temperature", ["negative"], cell_types.TEMPERATURE)
    kinds = pd.crosstab(clusters["share"], clusters["verdict"], normalize="index")
    of_cells = pd.crosstab(
        clusters["share"], clusters["verdict"], clusters["cells"], aggfunc="sum", normalize="index"
    )
    clusters = clusters.assign(good=-clusters["verdict"].map(COST))
    prices = ", ".join(f"{value:g} ({key})" for key, value in COST.items())
    n, studies = rows["slice"].nunique(), rows["study"].nunique()
    by_noise = tissue.groupby(["noise", "spill_over"])[["right", "recall", *trust]].mean()
    by_noise.index = [f"noise {noise}, spill-over {spill}" for noise, spill in by_noise.index]
    return "\n".join(
        [
            INTRODUCTION.format(n=n, studies=studies, seeds=", ".join(map(str, SEEDS))),
            "## Ways\n\nShares of cells. The eight slices of four studies with labels of types, "
            "Keren, Wu, Schürch and Nirmal:\n",
            lines(rounded(by_way["e"])),
            "All nine, with phenoptr:\n",
            lines(rounded(by_way["n"])),
            "Standard deviation of `types` over seeds, mean over slices: "
            + ", ".join(f"{key} {value:.3f}" for key, value in spread.items())
            + ".\n",
            "## Each slice\n",
            lines(with_mean(per_slice[[*SCORES, *trust]].assign(**{"the vote's ARI": vote}))),
            "## Settings, each study left out\n\n"
            f"{len(tried['setting'].unique())} settings, by the mean of right, recall and ARI over "
            f"the other studies, seed {SEEDS[0]}. The library's: {chosen}.\n",
            lines(left_out(tried, "setting", ["right", "recall", "ARI"], chosen)),
            "## Probabilities\n\nExpected calibration error over ten bins, share of the "
            f"cells that have their own type in their set (asked: {COVERAGE}), size of the sets, "
            "share unsure. A type wider or narrower than the class is true here. Temperature, each "
            "study left out (minus ECE):\n",
            lines(calm),
            "Labelled slices alone would choose a higher one than the library has; it raises the "
            "error on planted tissue.\n",
            "Planted tissue, 2,000 cells and 30 proteins of eight types, three seeds each. Sets of "
            "one cover more than was asked where more are right:\n",
            lines(with_mean(by_noise)),
            "## Names of clusters\n\nClusters of the vote, by the reference class of most of their "
            "cells. A cluster that its markers do not name takes the type that this share of its "
            "cells is of (1.01: never). Of all clusters:\n",
            lines(kinds.map("{:.0%}".format)),
            "Of all cells:\n",
            lines(of_cells.map("{:.0%}".format)),
            f"Each study left out (minus the cost of a cluster: {prices}):\n",
            lines(left_out(clusters, "share", ["good"], shares.MOST_CELLS)),
        ]
    )


if __name__ == "__main__":
    parts = measured(*sys.argv[1:3])
    tissue = of_planted(sys.argv[2])
    (HERE / "cell_types.md").write_text(markdown(*parts, tissue))
    listed = pd.concat([parts[0], tissue.assign(way="types", slice="planted")])
    listed.round(4).to_csv(HERE / "cell_types.tsv", sep="\t", index=False)
