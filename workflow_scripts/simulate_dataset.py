"""Make a tissue with known truth, as a file such as users have."""

from spclust.data.atomic import atomic
from spclust.engine import logs
from spclust.stages import simulate

with logs.job(snakemake.log[0], snakemake.rule):
    cells = simulate.simulate_tissue(**snakemake.params.cfg)
    with atomic(snakemake.output[0]) as temporary:
        cells.write_h5ad(temporary, compression="gzip")
