"""Build the expression and the spatial graph of prepared or balanced cells."""

from spclust.data import graphs as graph_files
from spclust.data.cell_files import read_cells
from spclust.engine import logs
from spclust.stages import graphs

with logs.job(snakemake.log[0], snakemake.rule):
    cells = read_cells(snakemake.input.cells, "prepared")
    built = graphs.build(cells, seed=int(snakemake.wildcards.seed), **snakemake.params.cfg)
    graph_files.write_graphs(snakemake.output[0], built)
