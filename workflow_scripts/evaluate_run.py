"""Score one run, with and without labels."""

import numpy as np

from spclust import contracts, logs, metrics

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    clusters = contracts.read_table(snakemake.input.clusters, ["cluster"], "train")
    scores, classes = metrics.evaluate(
        cells,
        clusters.loc[cells.obs_names, "cluster"].to_numpy(),
        embedding=np.load(snakemake.input.embedding),
        seed=int(snakemake.wildcards.seed),
        **snakemake.params.cfg,
    )
    contracts.write_table(scores, snakemake.output.metrics)
    contracts.write_table(classes, snakemake.output.classes)
