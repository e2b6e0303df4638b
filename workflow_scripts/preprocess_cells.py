"""Prepare the features of each modality."""

from spclust.data.cell_files import read_mudata, write_cells
from spclust.engine import logs
from spclust.knowledge import panel
from spclust.stages.preprocess import preparation

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    data = read_mudata(files.cells, "imported")
    # of a panel that takes all features no table is read
    tables = files.get("proteins")
    proteins = None if tables is None else panel.read_proteins(tables)
    cells = preparation.prepare(data, snakemake.params.cfg, proteins)
    write_cells(cells, snakemake.output.cells)
