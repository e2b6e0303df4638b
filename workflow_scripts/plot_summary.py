"""Draw the comparison of all runs."""

from spclust.data.tables import read_written
from spclust.engine import logs
from spclust.plots import summary

with logs.job(snakemake.log[0], snakemake.rule):
    long = read_written(snakemake.input[0], "dataset", "run", "method", "slice")
    summary.plot_summary(
        snakemake.output[0], long, **snakemake.params.cfg, pdf=snakemake.params.pdf
    )
