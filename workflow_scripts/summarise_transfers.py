"""Collect what models did on other slices, beside training on those."""

import json
from pathlib import Path

from spclust.data import contracts
from spclust.engine import logs
from spclust.stages import transfer


def read(folder):
    """Scores and clusters in a folder, None where there is none."""
    if folder is None:
        return None, None
    scores = contracts.read_written(Path(folder) / "metrics.tsv", "slice")
    return scores, contracts.read_clusters(Path(folder) / "clusters.csv")["cluster"]


with logs.job(snakemake.log[0], snakemake.rule):
    found = []
    for place, folder, own in snakemake.params.cfg["transfers"]:
        scores, clusters = read(folder)
        own_scores, own_clusters = read(own)
        facts = json.loads((Path(folder) / "transfer.json").read_text())
        found.append(
            {
                "place": place,
                "scores": scores,
                "clusters": clusters,
                "facts": facts,
                "own_scores": own_scores,
                "own_clusters": own_clusters,
            }
        )
    contracts.write_table(transfer.summarise(found).round(6), snakemake.output[0])
