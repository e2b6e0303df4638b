"""Two-dimensional UMAP of an embedding or of the features."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.stages import graphs

with logs.job(snakemake.log[0], snakemake.rule):
    source = snakemake.input[0]
    if source.endswith(".npz"):
        values, ids = contracts.read_values(source)
    else:
        cells = contracts.read_cells(source, "prepared")
        values, ids = cells.matrix, cells.ids
    umap = graphs.umap_for_figures(values, int(snakemake.wildcards.seed))
    contracts.write_values(umap, ids, snakemake.output[0])
