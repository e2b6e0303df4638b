"""First labels on the labelled protein slices: single heads, the vote, and training on the vote.

    python tests/comparison/first_labels.py <folder of the slices>

Writes first_labels.tsv and first_labels.md beside itself. One setting for all slices, the number
of classes given, classes of at least 50 cells scored, seeds in turn. What stands in the table is
not computed again, so a run that was stopped goes on.
"""

import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "workflow_scripts"))

from spclust import cards, graphs, methods, metrics, oversample, pools, preprocess  # noqa: E402
from spclust.io.importing import import_cells  # noqa: E402
from spclust.parts import voting  # noqa: E402
from spclust.stages import STAGES  # noqa: E402

SEEDS, RARE = (42, 43, 44), 0.05
TRAINED = "spclust_vote"
SLICES = [
    "dkd_codex_000", "dkd_codex_010", "keren_tnbc_mibi_p05", "keren_tnbc_mibi_p13",
    "keren_tnbc_mibi_p28", "keren_tnbc_mibi_p36", "upmc_hnscc_codex_reg001",
    "upmc_hnscc_codex_reg014", "schurch_crc_codex_reg009A", "scimap_tcycif_lymphoma",
    "phenoptr_lung_vectra", "hln_A1_adt",
]  # fmt: skip
SCORES = {"ARI": "ARI", "macro_F1": "macro-F1", "rare_F1": "F1 of rare classes"}
INTRODUCTION = """# First labels, measured

Written by `python tests/comparison/first_labels.py <folder of the slices>`; all values in
[first_labels.tsv](first_labels.tsv). {n} slices, seeds {seeds}, number of classes given; cells
without a class and classes of fewer than 50 cells are dropped, classes under {rare:.0%} are rare.
KMeans, Ward, Leiden, the mixture and `signatures` see the cells by the default preprocessing
(`total`). `vote` and `spectral` are the operators of the stage `votes` at its defaults, the rows
below them the vote of a part of that pool. "Median member" is the median of the pool, score by
score. `spclust_vote` is trained on the vote, at its card's settings.

The labels of these slices were in view when transforms, heads and operator were chosen, so the
table says how well the choice fits them, not how well it would do on others. Labels of `dkd_*` are
the output of another algorithm, those of `scimap_*` and `phenoptr_*` rules on the same proteins.
"""
ENDING = """`vote` is the default for these reasons, not for the scores above: it says how sure it
is of a cell in the same count that decides, every member has a say, and it draws nothing at random.
Members weigh by their agreement with the pool, not that with the reference, because the reference
is a member itself and would outvote a pool whose members agree little (tests/test_voting.py has
such a pool).

What was tried to beat the vote: [beyond_the_vote.md](beyond_the_vote.md).
"""


def prepared(folder, name):
    """Imported and prepared cells of a slice and their reference labels."""
    cfg = {"name": name, "label": "cell_type", "image": "sample", "drop_unscored": True}
    data, table = import_cells([Path(folder) / f"{name}.h5ad"], cfg)
    # one cell of the lymph node has no tag at all
    data = data[np.asarray(data.mod["protein"].X.sum(axis=1)).ravel() > 0].copy()
    cells = preprocess.prepare(data, STAGES["preprocess"].defaults)
    scored = table[table["scored"].astype(bool)].set_index("cell")["label"]
    return data, cells, scored.astype(object).reindex(pd.Index(cells.ids))


def scores(clusters, labels):
    """Scores of one clustering against the labels, by name."""
    labels = labels.to_numpy()
    scored = pd.notna(labels)
    classes = metrics.class_scores(clusters, labels, metrics.match_clusters(clusters, labels), RARE)
    found = metrics.against_labels(clusters[scored], labels[scored], classes)
    return {score: found[score] for score in SCORES}


def trained(cells, votes, n_clusters, seed):
    """Labels of the method that the vote teaches, by its card's settings."""
    card = cards.load()[TRAINED]
    wanted = {stage: STAGES[stage].defaults | card.stages.get(stage, {}) for stage in STAGES}
    sampler = oversample.SpaCSMOTE(random_state=seed, **wanted["oversample"])
    balanced = sampler.balance(cells, votes.labels["vote"])
    built = graphs.build(balanced, seed=seed, **wanted["graphs"])
    result = methods.cluster(
        balanced, n_clusters, seed, {"recipe": TRAINED} | card.defaults,
        graphs=built, votes=votes, machine=methods.Machine("cpu"),
    )  # fmt: skip
    return result.labels


def measured(folder, name, seed):
    """Scores of every way to first labels on one slice: ``labels, score, value``."""
    data, cells, labels = prepared(folder, name)
    settings, n_clusters, started = STAGES["votes"].defaults, labels.nunique(), time.monotonic()
    votes = pools.poll(data, cells, n_clusters, seed, **settings)
    seconds = time.monotonic() - started
    found = {}
    members = votes.members.assign(row=range(len(votes.members)))
    for member in members[members["transform"] == "total"].itertuples():
        found[member.head] = scores(votes.partitions[member.row], labels)
    pool = pd.DataFrame([scores(row, labels) for row in votes.partitions])
    found["median member"] = pool.median().to_dict()
    found |= {operator: scores(votes.labels[operator], labels) for operator in votes.labels}
    parts = {
        "vote without signatures": members["head"] != "signatures",
        "vote without mixtures": members["head"] != "mixture",
        "vote on `total` alone": members["transform"] == "total",
        "vote of KMeans alone": members["head"] == "kmeans",
    }
    for part, chosen in parts.items():
        verdict = voting.vote(voting.Pool.of(votes.partitions[chosen]), n_clusters)
        found[part] = scores(verdict.labels, labels)
    started = time.monotonic()
    found[TRAINED] = scores(trained(cells, votes, n_clusters, seed), labels)
    training = time.monotonic() - started
    rows = [(way, score, value) for way, own in found.items() for score, value in own.items()]
    table = pd.DataFrame(rows, columns=["labels", "score", "value"])
    print(f"{name}: {len(cells)} cells, {n_clusters} classes, {seconds:.0f} s for the votes, "
          f"{training:.0f} s for training, seed {seed}", flush=True)  # fmt: skip
    return table.assign(slice=name, cells=len(cells), classes=n_clusters, seed=seed)


def markdown(table):
    """Means over the slices, then the ARI on each."""
    n, seeds = table["slice"].nunique(), table["seed"].unique()
    text = [INTRODUCTION.format(n=n, seeds=", ".join(map(str, seeds)), rare=RARE)]
    means = table.pivot_table("value", ["labels", "seed"], "score", sort=False)[list(SCORES)]
    of_seeds = means.groupby("labels", sort=False)
    best = of_seeds.mean().map("{:.3f}".format)
    if len(seeds) > 1:
        best += of_seeds.std().map(" ± {:.3f}".format)
    text.append("## Mean over the slices\n\n" + lines(best.rename(columns=SCORES)))
    if len(seeds) > 1:
        text.append("± is the standard deviation over seeds of the mean over slices.\n")
    shown = table[(table["score"] == "ARI") & ~table["labels"].str.startswith("vote ")]
    ari = shown.pivot_table("value", "slice", "labels", sort=False)
    won = (ari["vote"] > np.maximum.reduce([ari[h] for h in ("kmeans", "ward", "leiden")])).sum()
    text.append("## ARI on each slice\n\n" + lines(ari.map("{:.3f}".format)))
    text.append(
        f"The vote is above KMeans, Ward and Leiden at once on {won} of {len(ari)} slices.\n"
    )
    text.append(ENDING)
    return "\n".join(text)


def lines(frame):
    """A data frame as a Markdown table."""
    head = ["", *frame.columns]
    rows = [head, ["---"] * len(head), *([i, *row] for i, row in zip(frame.index, frame.values))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


if __name__ == "__main__":
    target = HERE / "first_labels.tsv"
    result = pd.read_csv(target, sep="\t") if target.exists() else pd.DataFrame()
    columns = ["slice", "cells", "classes", "seed", "labels", "score", "value"]
    for seed, name in itertools.product(SEEDS, SLICES):
        if len(result) and ((result["slice"] == name) & (result["seed"] == seed)).any():
            continue
        found = measured(sys.argv[1], name, seed)[columns].round({"value": 4})
        result = pd.concat([result, found], ignore_index=True)
        result.to_csv(target, sep="\t", index=False)
    (HERE / "first_labels.md").write_text(markdown(result))
