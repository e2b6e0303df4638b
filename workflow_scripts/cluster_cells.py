"""Cluster a slice with a method that needs its cells only."""

from spclust import contracts, logs, methods

stage = "balanced" if snakemake.rule == "cluster_balanced" else "prepared"
with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, stage)
    result = methods.cluster(
        cells,
        n_clusters=contracts.read_n_clusters(snakemake.input.n_clusters),
        seed=int(snakemake.wildcards.seed),
        settings=snakemake.params.cfg,
        machine=methods.Machine(snakemake.config["device"], snakemake.threads),
    )
    result.write(snakemake.output)
