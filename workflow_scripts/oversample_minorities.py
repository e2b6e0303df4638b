"""Balance the classes with synthetic cells (Spa-CSMOTE)."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.stages import oversample

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    pseudolabels = contracts.read_pseudolabels(snakemake.input.pseudolabels, cells.ids)
    sampler = oversample.SpaCSMOTE(
        random_state=int(snakemake.wildcards.seed), **snakemake.params.cfg
    )
    contracts.write_cells(sampler.balance(cells, pseudolabels), snakemake.output[0])
