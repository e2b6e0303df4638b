"""The table in the README's section Results, made from the tables of `benchmark_small/`.

python tests/benchmarks/readme_table.py
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "workflow_scripts"))

from spclust.benchmark_text import score, texts  # noqa: E402


def table(metric="ARI"):
    """Markdown with a row per method: best average rank first, controls last."""
    scores = pd.read_csv(HERE / "benchmark_small/scores.tsv", sep="\t")
    scores = scores[scores["metric"] == metric]
    marks = scores["place"].map({"best": "**"}).fillna("")
    scores = scores.assign(text=marks + texts(scores, score) + marks)
    ranks = pd.read_csv(HERE / "benchmark_small/average_ranks.tsv", sep="\t")
    ranks = ranks[(ranks["unit"] == "slices") & (ranks["metric"] == metric)]
    ranks = ranks.set_index("run")["average_rank"].sort_values(kind="stable")
    rows = scores.pivot(index="run", columns="dataset", values="text")[scores["dataset"].unique()]
    rows["average rank"] = ranks.map("{:.1f}".format).reindex(rows.index, fill_value="")
    order = [*ranks.index, *rows.index.difference(ranks.index)]
    lines = ["| | " + " | ".join(rows) + " |", "|---" * (len(rows.columns) + 1) + "|"]
    lines += ["| " + " | ".join([run, *rows.loc[run]]) + " |" for run in order]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
