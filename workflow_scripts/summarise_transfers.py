"""Collect what models did on other slices, beside training on those."""

import json
from pathlib import Path

from spclust.data.atomic import write_table
from spclust.data.clusters import read_clusters
from spclust.data.tables import read_written
from spclust.engine import logs
from spclust.stages import transfer


def read(metrics, clusters):
    """Scores and clusters from where they lie."""
    scores = read_written(f"{metrics}/metrics.tsv", "slice")
    return scores, read_clusters(clusters)["cluster"]


with logs.job(snakemake.log[0], snakemake.rule):
    files, found = snakemake.input, []
    of_own = zip(files.own_scores, files.own_clusters)
    for (place, has_own), scores, clusters, facts in zip(
        snakemake.params.cfg["transfers"], files.scores, files.clusters, files.facts
    ):
        names = ("scores", "clusters", "own_scores", "own_clusters")
        own = read(*next(of_own)) if has_own else (None, None)
        values = dict(zip(names, (*read(scores, clusters), *own)))
        found.append({"place": place, "facts": json.loads(Path(facts).read_text()), **values})
    write_table(transfer.summarise(found).round(6), snakemake.output[0])
