"""The tables in the README's section Results, made from those of `small/`.

python tests/comparison/readme_table.py
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "workflow_scripts"))

from spclust.comparison_text import MARKS, markdown, score, texts  # noqa: E402


def table(labels, metric="ARI"):
    """Markdown with a row per method: best average rank first, controls last."""
    scores = pd.read_csv(HERE / "small/scores.tsv", sep="\t")
    scores = scores[(scores["metric"] == metric) & (scores["labels"] == labels)]
    shown = zip(texts(scores, score), scores["place"])
    best = [MARKS["best"].format(text) if place == "best" else text for text, place in shown]
    scores = scores.assign(text=best)
    ranks = pd.read_csv(HERE / "small/average_ranks.tsv", sep="\t")
    ranks = ranks[(ranks["labels"] == labels) & (ranks["metric"] == metric)]
    ranks = ranks.set_index("run")["average_rank"].sort_values(kind="stable")
    rows = scores.pivot(index="run", columns="dataset", values="text")[scores["dataset"].unique()]
    rows["average rank"] = ranks.map("{:.1f}".format).reindex(rows.index, fill_value="")
    order = [*ranks.index, *rows.index.difference(ranks.index)]
    return markdown(rows.loc[order].rename_axis(index="", columns=None).reset_index())


if __name__ == "__main__":
    for kind in ("cell types", "regions"):
        print(f"{kind.capitalize()}:\n\n{table(kind)}\n")
