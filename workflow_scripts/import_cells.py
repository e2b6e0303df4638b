"""Read a slice of any supported format into one AnnData shape."""

from spclust import contracts, logs
from spclust.io import importing

with logs.job(snakemake.log[0], snakemake.rule):
    cells = importing.import_cells(list(snakemake.input), snakemake.params.cfg)
    contracts.write_cells(cells, snakemake.output[0])
