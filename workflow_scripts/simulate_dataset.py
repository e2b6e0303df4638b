"""Make a tissue with known truth."""

from spclust import contracts, logs, simulate

with logs.job(snakemake.log[0], snakemake.rule):
    cells = simulate.simulate_tissue(**snakemake.params.cfg)
    contracts.write_cells(cells, snakemake.output[0])
