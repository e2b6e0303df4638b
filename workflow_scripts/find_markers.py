"""Rank the proteins that tell each cluster from the rest."""

import pandas as pd

from spclust import contracts, logs, markers

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    clusters = contracts.read_table(snakemake.input.clusters, ["cluster"], "train")
    importance = snakemake.input.get("importance")
    table = markers.rank(
        cells,
        clusters.loc[cells.obs_names, "cluster"].to_numpy(),
        importance=None if importance is None else pd.read_csv(importance, index_col="cluster"),
    )
    contracts.write_table(table, snakemake.output[0])
