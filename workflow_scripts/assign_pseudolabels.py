"""Find first labels, by which classes are balanced."""

import pandas as pd

from spclust import contracts, logs, pseudolabels
from spclust.votes import Votes

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    labels, votes = snakemake.input.get("labels"), snakemake.input.get("votes")
    found = pseudolabels.assign(
        cells,
        n_clusters=contracts.read_n_clusters(snakemake.input.n_clusters),
        seed=int(snakemake.wildcards.seed),
        reference=contracts.read_labels(labels, cells.ids) if labels else None,
        votes=Votes.read(votes, cells.ids) if votes else None,
        **snakemake.params.cfg,
    )
    table = pd.DataFrame({"cell": cells.ids, "pseudolabel": found})
    contracts.write_table(table, snakemake.output[0])
