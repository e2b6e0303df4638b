"""Find first labels, by which classes are balanced."""

import pandas as pd

from spclust import contracts, logs, pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    labels = pseudolabels.assign(
        cells,
        n_clusters=contracts.read_n_clusters(snakemake.input.n_clusters),
        seed=int(snakemake.wildcards.seed),
        **snakemake.params.cfg,
    )
    table = pd.DataFrame({"cell": cells.obs_names, "pseudolabel": labels})
    contracts.write_table(table, snakemake.output[0])
