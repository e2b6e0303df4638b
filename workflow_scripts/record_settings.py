"""Keep what a run was made with beside its results."""

from spclust.data.atomic import write_json
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    write_json(snakemake.params.made_with, snakemake.output[0])
