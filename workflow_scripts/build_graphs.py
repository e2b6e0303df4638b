"""Build the expression and the spatial graph of prepared or balanced cells."""

from spclust import contracts, graphs, logs

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    built = graphs.build(cells, seed=int(snakemake.wildcards.seed), **snakemake.params.cfg)
    contracts.write_graphs(snakemake.output[0], built)
