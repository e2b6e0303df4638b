"""First labels on the labelled protein slices: single heads, the vote, and training on the vote.

    python tests/measured/comparison/first_labels.py <folder of the slices>

Writes first_labels.tsv and first_labels.md beside itself. One setting for all slices, the number
of classes given, classes of at least 50 cells scored, seeds in turn. What stands in the table is
not computed again, so a run that was stopped goes on.
"""

import functools
import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "workflow_scripts"))

from spclust.analyses import calibration, metrics
from spclust.clustering import voting
from spclust.io.importing import import_cells
from spclust.methods import running
from spclust.methods.task import Machine
from spclust.plan import cards
from spclust.plan.stages import STAGES
from spclust.stages import graphs, oversample, pseudolabels
from spclust.stages import votes as pools
from spclust.stages.preprocess import preparation

SEEDS, RARE = (42, 43, 44), 0.05
TRAINED = "spclust_vote"
SLICES = [
    "dkd_codex_000",
    "dkd_codex_010",
    "keren_tnbc_mibi_p05",
    "keren_tnbc_mibi_p13",
    "keren_tnbc_mibi_p28",
    "keren_tnbc_mibi_p36",
    "upmc_hnscc_codex_reg001",
    "upmc_hnscc_codex_reg014",
    "schurch_crc_codex_reg009A",
    "scimap_tcycif_lymphoma",
    "phenoptr_lung_vectra",
    "hln_A1_adt",
]
# one of each study that is large enough for the exact mode to differ and small enough for it to end
EXACT_ON = [
    "dkd_codex_000",
    "keren_tnbc_mibi_p36",
    "upmc_hnscc_codex_reg001",
    "schurch_crc_codex_reg009A",
]
SCORES = {"ARI": "ARI", "macro_F1": "macro-F1", "rare_F1": "F1 of rare classes"}
# among these the choice by leave-one-study-out is made
CANDIDATES = [
    "kmeans",
    "ward",
    "leiden",
    "mixture",
    "signatures",
    "vote",
    "spectral",
    "vote without signatures",
    "vote without mixtures",
    "vote on `total` alone",
    "vote of KMeans alone",
    TRAINED,
]
INTRODUCTION = """# First labels, measured

Written by `python tests/measured/comparison/first_labels.py <folder of the slices>`; all values in
[first_labels.tsv](first_labels.tsv). {n} slices, seeds {seeds}, number of classes given; cells
without a class and classes of fewer than 50 cells are dropped, classes under {rare:.0%} are rare.
KMeans, Ward, Leiden, the mixture and `signatures` see the cells by the default preprocessing
(`total`). `vote` and `spectral` are the operators of the stage `votes` at its defaults, the rows
below them the vote of a part of that pool. "Median member" is the median of the pool, score by
score. `spclust_vote` is trained on the vote, at its card's settings. `vote, auto` is the vote when
the number of clusters is chosen by `n_clusters: auto`, without labels.

The labels of these slices were in view when transforms, heads and operator were chosen, so the
table says how well the choice fits them, not how well it would do on others. Labels of `dkd_*` are
the output of another algorithm, those of `scimap_*` and `phenoptr_*` rules on the same proteins.
"""
LEFT_OUT = """## Chosen by leave-one-study-out

What would be taken for a study if only the others had labels: of the ways in the first table (but
for the median member and `auto`) the one with the best mean ARI over the other studies (each the
mean of its slices and seeds), and the ARI it then has. Mean over studies: {chosen:.3f}; the vote
taken for all {vote:.3f}, the best way of each study in hindsight {best:.3f}.
"""
AUTO = """## Number of clusters without labels

`auto` against the true number, means over seeds. Mean ARI {auto:.3f} against {given:.3f}; the
number is off by {off:.1f} on average.
"""
CALIBRATION = """## Confidence

Expected calibration error over ten bins: mean distance of the confidence from the share of cells
whose cluster matches their class.
"""
EXACT = """## All pairs or anchors

`spclust_vote` at its default (above 3,000 cells a batch and anchors an epoch) and in the exact mode
(all cells and all pairs in every epoch). ARI, mean ± standard deviation over seeds, and seconds of
training on one thread of a shared machine.
"""
ENDING = """`vote` is the default for these reasons, not for the scores above: it says how sure it
is of a cell in the same count that decides, every member has a say, and it draws nothing at random.
Members weigh by their agreement with the pool, not that with the reference, because the reference
is a member itself and would outvote a pool whose members agree little
(tests/unit/clustering/test_voting.py has such a pool).

What was tried to beat the vote: [beyond_the_vote.md](beyond_the_vote.md).
"""


def prepared(folder, name):
    """Imported and prepared cells of a slice and their reference labels."""
    cfg = {"name": name, "label": "cell_type", "image": "sample", "drop_unscored": True}
    data, table = import_cells([Path(folder) / f"{name}.h5ad"], cfg)
    # one cell of the lymph node has no tag at all
    data = data[np.asarray(data.mod["protein"].X.sum(axis=1)).ravel() > 0].copy()
    cells = preparation.prepare(data, STAGES["preprocess"].defaults)
    scored = table[table["scored"].astype(bool)].set_index("cell")["label"]
    return data, cells, scored.astype(object).reindex(pd.Index(cells.ids))


def scores(clusters, labels, confidence=None):
    """Scores of one clustering against the labels, by name; a number of cells is no score."""
    labels = labels.to_numpy()
    scored, matched = pd.notna(labels), metrics.match_clusters(clusters, labels)
    classes = metrics.class_scores(clusters, labels, matched, RARE)
    found = metrics.against_labels(clusters[scored], labels[scored], classes)
    found = {score: found[score] for score in SCORES}
    if confidence is not None:
        of = np.array([matched.get(c) for c in clusters.tolist()], dtype=object)
        table = calibration.reliability((of == labels)[scored], confidence[scored])
        found["ECE"] = calibration.calibration_error(table)
    return found


class Slice:
    """One slice and seed; the pool is made once for the ways that need it."""

    def __init__(self, folder, name, seed):
        self.seed = seed
        self.data, self.cells, self.labels = prepared(folder, name)
        self.classes = self.labels.nunique()

    @functools.cached_property
    def votes(self):
        return self.poll(self.classes)

    def poll(self, n_clusters):
        return pools.vote(self.data, self.cells, n_clusters, self.seed, **STAGES["votes"].defaults)

    def of_pool(self):
        """Single heads, operators, and the vote of parts of the pool."""
        votes, labels, found = self.votes, self.labels, {}
        members = votes.members.assign(row=range(len(votes.members)))
        for member in members[members["transform"] == "total"].itertuples():
            found[member.head] = scores(votes.partitions[member.row], labels)
        pool = pd.DataFrame([scores(row, labels) for row in votes.partitions])
        found["median member"] = pool.median().to_dict()
        for operator, clusters in votes.labels.items():
            found[operator] = scores(clusters, labels, votes.confidence(operator))
        parts = {
            "vote without signatures": members["head"] != "signatures",
            "vote without mixtures": members["head"] != "mixture",
            "vote on `total` alone": members["transform"] == "total",
            "vote of KMeans alone": members["head"] == "kmeans",
        }
        for part, chosen in parts.items():
            verdict = voting.vote(voting.Pool.of(votes.partitions[chosen]), self.classes)
            found[part] = scores(verdict.labels, labels)
        return found

    def with_auto(self):
        """The vote on the number of clusters that `auto` chooses."""
        number, _ = pseudolabels.choose_n_clusters(self.cells, "auto")
        found = scores(self.poll(number).labels["vote"], self.labels)
        return {"vote, auto": found | {"clusters": number}}

    def trained(self, way=TRAINED, **others):
        """The method that the vote teaches, by its card's settings."""
        card, started = cards.load()[TRAINED], time.monotonic()
        wanted = {stage: STAGES[stage].defaults | card.stages.get(stage, {}) for stage in STAGES}
        sampler = oversample.SpaCSMOTE(random_state=self.seed, **wanted["oversample"])
        balanced = sampler.balance(self.cells, self.votes.labels["vote"])
        built = graphs.build(balanced, seed=self.seed, **wanted["graphs"])
        result = running.cluster(
            balanced,
            self.classes,
            self.seed,
            {"recipe": TRAINED} | card.defaults | others,
            graphs=built,
            votes=self.votes,
            machine=Machine("cpu"),
        )
        found = scores(result.labels, self.labels, result.confidence)
        return {way: found | {"seconds": time.monotonic() - started}}

    def exact(self):
        """The same on all pairs of cells in every epoch."""
        return self.trained(f"{TRAINED}, exact", mode="exact")


# what is computed together, by one of its rows
WAYS = {
    "vote": Slice.of_pool,
    TRAINED: Slice.trained,
    "vote, auto": Slice.with_auto,
    f"{TRAINED}, exact": Slice.exact,
}


def markdown(table):
    """Means over the slices, then what is told of each slice."""
    n, seeds = table["slice"].nunique(), table["seed"].unique()
    text = [INTRODUCTION.format(n=n, seeds=", ".join(map(str, seeds)), rare=RARE)]
    all_slices = table[table["score"].isin(SCORES) & (table["labels"] != f"{TRAINED}, exact")]
    means = all_slices.pivot_table("value", ["labels", "seed"], "score", sort=False)[list(SCORES)]
    text.append("## Mean over the slices\n\n" + lines(with_spread(means).rename(columns=SCORES)))
    text.append("± is the standard deviation over seeds of the mean over slices.\n")
    ari = table[table["score"] == "ARI"].pivot_table("value", "slice", "labels", sort=False)
    shown = [way for way in ari if not way.startswith("vote ") and not way.endswith("exact")]
    text.append("## ARI on each slice\n\n" + lines(ari[shown].map("{:.3f}".format)))
    won = (ari["vote"] > np.maximum.reduce([ari[h] for h in ("kmeans", "ward", "leiden")])).sum()
    text.append(f"The vote is above KMeans, Ward and Leiden at once on {won} of {n} slices.\n")
    return "\n".join(
        [*text, left_out(ari), auto(table, ari), calibrated(table), exactly(table), ENDING]
    )


def with_spread(values):
    """Mean and standard deviation over the last level of the index, as text."""
    groups = values.groupby(level=0, sort=False)
    return groups.mean().map("{:.3f}".format) + groups.std().map(" ± {:.3f}".format)


def left_out(ari):
    """For each study the way that is best on the others."""
    studies = ari[CANDIDATES].groupby(ari.index.str.split("_").str[0], sort=False).mean()
    rows = []
    for study, own in studies.iterrows():
        others = studies.drop(study).mean()
        rows.append((study, others.idxmax(), own[others.idxmax()], own["vote"], own.max()))
    found = pd.DataFrame(rows, columns=["study", "chosen on the others", "ARI", "vote", "best"])
    means = found[["ARI", "vote", "best"]].mean()
    text = LEFT_OUT.format(chosen=means["ARI"], vote=means["vote"], best=means["best"])
    return text + "\n" + lines(found.set_index("study").map(short))


def auto(table, ari):
    """`auto` beside the true number."""
    found = table[table["labels"] == "vote, auto"].pivot_table(
        "value", "slice", "score", sort=False
    )
    classes = table.groupby("slice", sort=False)["classes"].first()
    shown = pd.DataFrame(
        {
            "classes": classes,
            "auto": found["clusters"].round().astype(int),
            "ARI, classes": ari["vote"],
            "ARI, auto": found["ARI"],
        }
    )
    off = (shown["auto"] - shown["classes"]).abs().mean()
    means = shown.mean()
    text = AUTO.format(auto=means["ARI, auto"], given=means["ARI, classes"], off=off)
    return text + "\n" + lines(shown.astype(object).map(short))


def calibrated(table):
    """Expected calibration errors, by slice and their mean."""
    found = table[table["score"] == "ECE"].pivot_table("value", "slice", "labels", sort=False)
    found = found.drop(columns=f"{TRAINED}, exact", errors="ignore")
    found.loc["mean"] = found.mean()
    return CALIBRATION + "\n" + lines(found.map("{:.3f}".format))


def exactly(table):
    """The exact mode beside the default one."""
    ways = [TRAINED, f"{TRAINED}, exact"]
    rows = table[table["slice"].isin(EXACT_ON) & table["labels"].isin(ways)]
    ari = rows[rows["score"] == "ARI"].pivot_table("value", ["slice", "seed"], "labels")[ways]
    seconds = rows[rows["score"] == "seconds"].pivot_table("value", "slice", "labels")[ways]
    shown = with_spread(ari).join(seconds.round().astype(int).add_suffix(", s"))
    apart = (ari[ways[0]] - ari[ways[1]]).mean()
    return f"{EXACT}\n{lines(shown)}\nDefault less exact, mean: {apart:+.3f}.\n"


def short(value):
    return f"{value:.3f}" if isinstance(value, float) else value


def lines(frame):
    """A data frame as a Markdown table."""
    head = ["", *frame.columns]
    rows = [head, ["---"] * len(head), *([i, *row] for i, row in zip(frame.index, frame.values))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


def complete(target, folder):
    """Compute what the table lacks, and keep each step."""
    columns = ["slice", "cells", "classes", "seed", "labels", "score", "value"]
    result = pd.read_csv(target, sep="\t") if target.exists() else pd.DataFrame(columns=columns)
    for seed, name in itertools.product(SEEDS, SLICES):
        there = result[(result["slice"] == name) & (result["seed"] == seed)]
        lacking = [
            way
            for way in WAYS
            if way not in set(there["labels"])
            and not (way.endswith("exact") and name not in EXACT_ON)
        ]
        of = Slice(folder, name, seed) if lacking else None
        for way in lacking:
            started, found = time.monotonic(), WAYS[way](of)
            rows = [
                (name, len(of.cells), of.classes, seed, labels, score, round(value, 4))
                for labels, own in found.items()
                for score, value in own.items()
            ]
            result = pd.concat([result, pd.DataFrame(rows, columns=columns)], ignore_index=True)
            result.to_csv(target, sep="\t", index=False)
            print(f"{name}, seed {seed}, {way}: {time.monotonic() - started:.0f} s", flush=True)
    return result


if __name__ == "__main__":
    whole = complete(HERE / "first_labels.tsv", sys.argv[1])
    (HERE / "first_labels.md").write_text(markdown(whole))
