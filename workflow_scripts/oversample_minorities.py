"""Balance the classes with synthetic cells (Spa-CSMOTE)."""

from spclust.data.cell_files import read_cells, write_cells
from spclust.data.pseudolabels import read_pseudolabels
from spclust.engine import logs
from spclust.stages import oversample

with logs.job(snakemake.log[0], snakemake.rule):
    cells = read_cells(snakemake.input.cells, "prepared")
    pseudolabels = read_pseudolabels(snakemake.input.pseudolabels, cells.ids)
    sampler = oversample.SpaCSMOTE(
        random_state=int(snakemake.wildcards.seed), **snakemake.params.cfg
    )
    write_cells(sampler.balance(cells, pseudolabels), snakemake.output[0])
