"""Read a slice of any supported format into MuData; part its reference labels off.

Which row of which file each cell is goes with it.
"""

from spclust.data.atomic import write_table
from spclust.data.cell_files import write_mudata
from spclust.engine import logs
from spclust.io import importing

with logs.job(snakemake.log[0], snakemake.rule):
    cells, labels, rows = importing.import_slice(list(snakemake.input), snakemake.params.cfg)
    write_mudata(cells, snakemake.output.cells)
    write_table(labels, snakemake.output.labels)
    write_table(rows, snakemake.output.rows)
