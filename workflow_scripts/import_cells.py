"""Read a slice of any supported format into MuData; part its reference labels off."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.io import importing

with logs.job(snakemake.log[0], snakemake.rule):
    cells, labels = importing.import_cells(list(snakemake.input), snakemake.params.cfg)
    contracts.write_mudata(cells, snakemake.output.cells)
    contracts.write_table(labels, snakemake.output.labels)
