"""Take over the tables of a comparison, and write what README.md and the pages here say of them.

    python tests/measured/comparison/publish.py [results/comparison | results/studies/NAME ...]

A comparison goes to `small/`, `blind/` or `full/`, by its slices; the table of a study, its figure,
settings and the values of its runs to `studies/NAME`. Both may be of the runs so far
(`results/..._so_far`). Without a folder only the texts are written anew, from what is kept.
"""

import shutil
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from spclust.comparison import kept as comparison_kept
from spclust.comparison import plan as comparison_plan
from spclust.comparison import summary as comparison_summary
from spclust.comparison.files import KEPT
from spclust.comparison.results import OF_ALL
from spclust.comparison.text import MARKS, markdown, score, texts
from spclust.plan import settings
from spclust.plan.groups import GROUP

SMALL, BLIND, FULL = HERE / "small", HERE / "blind", HERE / "full"
# the slices of the first are among those of the last
STUDIES = {
    SMALL: "config/studies/comparison_small.yaml",
    BLIND: "config/studies/blind.yaml",
    FULL: "config/studies/comparison.yaml",
}
END = "<!-- end -->"
# rows of the short table of README.md: those that a reader may want to start with
TO_TAKE = ("consensus", "spclust_vote", "spclust", "leiden", "kmeans", "ward", "banksy", "spagcn")


def copy_study(folder):
    """The table of a study, its figure, its settings and what is kept of its runs."""
    to = HERE / "studies" / folder.name
    to.mkdir(parents=True, exist_ok=True)
    for name in ("table.md", "table.tsv", "settings.md", "figures/study.png", *KEPT):
        shutil.copyfile(folder / name, to / Path(name).name)


def study(kept):
    """The configuration whose comparison a folder keeps."""
    return yaml.safe_load((ROOT / STUDIES[kept]).read_text())


def is_of(found, comparison):
    """Whether all slices and runs are those of a comparison's configuration."""
    runs = {run["name"] for run in comparison["runs"]}
    return set(found["dataset"]) <= {*comparison["datasets"]} and set(found["run"]) <= runs


def copy(folder):
    """All tables, pages and figures (as PNG) of a comparison in place of those that stand."""
    files = [
        path
        for kind in ("*.tsv", "*.md", "*.json", "figures/*.png")
        for path in Path(folder).glob(kind)
    ]
    if "runs.tsv" not in {path.name for path in files}:
        sys.exit(f"{folder} holds no comparison; name the folder of its tables")
    found = read("runs", folder)
    to = next((kept for kept in STUDIES if is_of(found, study(kept))), None)
    if to is None:
        sys.exit(f"{folder} has slices or runs that no comparison which is kept here has")
    if (to / "runs.tsv").exists() and len(found) < len(read("runs", to)):
        sys.exit(f"{folder} has fewer runs than {to}; run it with the key `kept`, or remove that")
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for path in files:
        shutil.copyfile(path, to / path.name)


def read(name, folder=SMALL):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t", dtype={"dataset": str, "run": str})


def shown_scores(labels, folder, metric):
    """Rows of a comparison's scores on cells as each method prepares them, and of controls."""
    scores = read("scores", folder)
    of_kind = scores[(scores["labels"] == labels) & (scores["metric"] == metric)]
    return of_kind[of_kind["group"].isin([GROUP, OF_ALL])]


def means(labels, folder, metric):
    """Title and, by run, the mean over all slices; of a run that lacks one there is none."""
    by_slice = shown_scores(labels, folder, metric).pivot(
        index="run", columns="dataset", values="mean"
    )
    title = f"mean of {by_slice.shape[1]} slices"
    return title, by_slice.mean(axis=1, skipna=False).dropna()


def table(labels, folder=SMALL, metric="ARI", wider=None):
    """Markdown with a row per method: best average rank first, controls last.

    ``wider``: a comparison of more slices whose means are shown in a last column.
    """
    scores, ranks = shown_scores(labels, folder, metric), read("average_ranks", folder)
    ranks = ranks[(ranks["labels"] == labels) & (ranks["metric"] == metric)]
    shown = zip(texts(scores, score), scores["place"])
    best = [MARKS["best"].format(text) if place == "best" else text for text, place in shown]
    scores = scores.assign(text=best)
    ranks = ranks[ranks["group"] == GROUP]
    ranks = ranks.set_index("run")["average_rank"].sort_values(kind="stable")
    rows = scores.pivot(index="run", columns="dataset", values="text")[scores["dataset"].unique()]
    rows["average rank"] = ranks.map("{:.1f}".format).reindex(rows.index, fill_value="")
    if wider:
        title, of_runs = means(labels, wider, metric)
        rows[title] = of_runs.map("{:.3f}".format).reindex(rows.index, fill_value="")
    order = [*ranks.index, *rows.index.difference(ranks.index)]
    return markdown(rows.loc[order].rename_axis(index="", columns=None).reset_index())


def parts(folder=SMALL):
    """Which parts of a comparison have run, by the values that are kept."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    plan = settings.resolve(config | study(folder))
    kept = pd.DataFrame(columns=["dataset", "run", "seconds", "threads", "made"])
    # the same that the next part is spared
    found, _ = comparison_kept.usable(plan, folder)
    if found:
        rows = read("runs", folder)
        keys = zip(rows["dataset"], rows["run"], rows["seed"])
        kept = rows[[key in found for key in keys]]
    return comparison_summary.parts(comparison_plan.parts(plan), kept)


def in_short(folder=SMALL):
    """The tables in sentences."""
    tables = [read(name, folder) for name in ("scores", "average_ranks", "differences")]
    return "\n\n".join(comparison_summary.paragraphs(*tables))


def overview(runs=None):
    """Markdown with a row per method, best on cell types first: mean ARI over the slices of each
    comparison, and seconds on those of the small one.

    ``runs``: only these, in this order; left out, all but controls.
    """
    columns = {}
    for folder, where in ((FULL, ""), (BLIND, "unseen ")):
        for labels in ("cell types", "regions"):
            title, of_runs = means(labels, folder, "ARI")
            number = title.removeprefix("mean of ")
            columns[f"{where}{labels} ({number})"] = of_runs.map("{:.2f}".format)
    rows = pd.DataFrame(columns)
    seconds = read("runs").groupby(["run", "dataset"])["seconds"].mean().groupby("run")
    span = zip(seconds.min().map("{:.1f}".format), seconds.max().map("{:.1f}".format))
    rows["seconds"] = pd.Series(map(" to ".join, span), index=seconds.min().index)
    if runs is None:
        scores = shown_scores("cell types", FULL, "ARI")
        own = scores[~scores["control"]].groupby("run")["mean"].mean()
        runs = own.sort_values(ascending=False).index
    rows = rows.reindex(runs).fillna("").rename_axis("").reset_index()
    return markdown(rows)


def placed(text, name, new):
    """A page's text with what stands between the marks of a name replaced."""
    mark = f"<!-- {name}, by tests/measured/comparison/publish.py -->"
    head, rest = text.split(mark, 1)
    return f"{head}{mark}\n{new}\n{END}{rest.split(END, 1)[1]}"


def pages():
    """Path to text of every page with marks, written anew."""
    made = {
        ROOT / "README.md": {"methods to take": partial(overview, list(TO_TAKE))},
        HERE / "README.md": {"all methods": overview},
        HERE / "parts.md": {"parts": parts, "full parts": partial(parts, FULL)},
        HERE / "eight_slices.md": {
            "cell types": partial(table, "cell types", wider=FULL),
            "regions": partial(table, "regions", wider=FULL),
            "in short": in_short,
        },
        HERE / "fourteen_slices.md": {
            "full cell types": partial(table, "cell types", FULL),
            "full in short": partial(in_short, FULL),
        },
        HERE / "unseen_slices.md": {
            "blind cell types": partial(table, "cell types", BLIND),
            "blind regions": partial(table, "regions", BLIND),
            "blind in short": partial(in_short, BLIND),
        },
    }
    written = {}
    for path, blocks in made.items():
        text = path.read_text()
        for name, make in blocks.items():
            text = placed(text, name, make())
        written[path] = text
    return written


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        (copy_study if (folder / "table.md").exists() else copy)(folder)
    for path, text in pages().items():
        path.write_text(text)
