"""The table in the README's section Results, made from the tables of `benchmark_small/`.

python tests/benchmarks/readme_table.py
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "workflow_scripts"))

from spclust.benchmark_text import score  # noqa: E402


def table(metric="ARI"):
    """Markdown with a row per method: best average rank first, controls last."""
    scores = pd.read_csv(HERE / "benchmark_small/scores.tsv", sep="\t")
    scores = scores[scores["metric"] == metric].astype({"place": object})
    ranks = pd.read_csv(HERE / "benchmark_small/average_ranks.tsv", sep="\t")
    ranks = ranks[(ranks["unit"] == "slices") & (ranks["metric"] == metric)]
    ranks = ranks.set_index("run")["average_rank"].map("{:.1f}".format)
    text = scores["mean"].map(score) + " ± " + scores["sd"].map(score)
    scores["text"] = text.where(scores["place"] != "best", "**" + text + "**")
    texts = scores.pivot(index="run", columns="dataset", values="text")[scores["dataset"].unique()]
    texts["average rank"] = ranks.reindex(texts.index).fillna("")
    order = texts["average rank"].replace("", "inf").astype(float).sort_values(kind="stable").index
    lines = ["| | " + " | ".join(texts) + " |", "|---" * (len(texts.columns) + 1) + "|"]
    lines += ["| " + " | ".join([run, *texts.loc[run]]) + " |" for run in order]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
