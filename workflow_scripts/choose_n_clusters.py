"""Decide how many clusters a slice is divided into."""

from spclust import contracts, logs, pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input[0], "prepared")
    n_clusters, how = pseudolabels.choose_n_clusters(cells, **snakemake.params.cfg)
    contracts.write_json({"n_clusters": n_clusters, "how": how}, snakemake.output[0])
