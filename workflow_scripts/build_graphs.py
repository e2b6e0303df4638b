"""Build the expression and the spatial graph of a balanced slice."""

from spclust import contracts, graphs, logs

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input[0], "balanced")
    built = graphs.build(cells, seed=int(snakemake.wildcards.seed), **snakemake.params.cfg)
    contracts.write_graphs(snakemake.output[0], built)
