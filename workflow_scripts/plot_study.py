"""Draw a study."""

from spclust import contracts, logs
from spclust.plots import study

with logs.job(snakemake.log[0], snakemake.rule):
    table = contracts.read_written(snakemake.input[0], "dataset", "label", "run", "metric")
    study.draw(snakemake.output[0], table, snakemake.params.cfg)
