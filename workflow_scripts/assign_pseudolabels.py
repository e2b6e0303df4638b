"""Find first labels, by which classes are balanced."""

import pandas as pd

from spclust.data.atomic import write_table
from spclust.data.cell_files import read_cells
from spclust.data.clusters import read_clusters
from spclust.data.labels import read_labels
from spclust.data.n_clusters import read_n_clusters
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.knowledge import signatures
from spclust.stages import pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    files, knowledge, cfg = snakemake.input, (), dict(snakemake.params.cfg)
    cells = read_cells(files.cells, "prepared")
    labels, votes, clusters = (files.get(name) for name in ("labels", "votes", "clusters"))
    seed = cfg.pop("seed")
    if files.get("signatures"):
        knowledge = signatures.read_knowledge_tables(files)
    found = pseudolabels.assign(
        cells,
        n_clusters=read_n_clusters(files.n_clusters),
        seed=int(snakemake.wildcards.seed) if seed is None else seed,
        reference=read_labels(labels, cells.ids) if labels else None,
        votes=Votes.read(votes, cells.ids) if votes else None,
        knowledge=knowledge,
        clusters=read_clusters(clusters, cells.ids)["cluster"] if clusters else None,
        **cfg,
    )
    table = pd.DataFrame({"cell": cells.ids, "pseudolabel": found})
    write_table(table, snakemake.output[0])
