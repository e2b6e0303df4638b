"""Normalise the proteins of a slice."""

from spclust import contracts, logs, preprocess

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input[0], "imported")
    cells = preprocess.preprocess(cells, **snakemake.params.cfg)
    contracts.write_cells(cells, snakemake.output.cells)
