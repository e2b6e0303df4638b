"""Prepare the features of each modality."""

from spclust import contracts, logs, preprocess

with logs.job(snakemake.log[0], snakemake.rule):
    data = contracts.read_mudata(snakemake.input[0], "imported")
    cells = preprocess.prepare(data, snakemake.params.cfg)
    contracts.write_cells(cells, snakemake.output.cells)
