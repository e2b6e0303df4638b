"""Read a slice of any supported format into MuData; part its reference labels off.

Which row of which file each cell is goes with it.
"""

from spclust.data.atomic import write_table
from spclust.data.cell_files import write_mudata
from spclust.engine import logs
from spclust.io import importing

with logs.job(snakemake.log[0], snakemake.rule):
    cfg = snakemake.params.cfg
    if "rename" in snakemake.input.keys():
        cfg = cfg | {"rename": snakemake.input.rename}
    cells, labels, rows = importing.import_slice(list(snakemake.input.files), cfg)
    write_mudata(cells, snakemake.output.cells)
    write_table(labels, snakemake.output.labels)
    write_table(rows, snakemake.output.rows)
