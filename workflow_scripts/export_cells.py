"""Add the clusters of one run to the imported cells."""

import numpy as np

from spclust import contracts, export, logs

with logs.job(snakemake.log[0], snakemake.rule):
    cells = export.add_clusters(
        contracts.read_cells(snakemake.input.cells, "imported"),
        contracts.read_table(snakemake.input.clusters, ["cluster", "confidence"], "train"),
        key=snakemake.params.recipe,
        embedding=np.load(snakemake.input.embedding),
        umap=np.load(snakemake.input.umap),
    )
    contracts.write_cells(cells, snakemake.output[0])
