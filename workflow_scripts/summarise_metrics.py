"""Collect the metrics of all runs, their mean and sd, and the agreement between seeds."""

from spclust.analyses import metrics
from spclust.data import scores as reporting
from spclust.data.atomic import write_table
from spclust.data.clusters import read_clusters
from spclust.data.tables import read_written
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    files, out = snakemake.input, snakemake.output
    long = metrics.collect(
        snakemake.params.cfg["results"],
        [read_written(f"{path}/metrics.tsv", "slice") for path in files.metrics],
        [read_clusters(path)["cluster"] for path in files.clusters],
    )
    write_table(long, out.metrics)
    mean = reporting.mean_and_sd(long, ["dataset", "run", "method", "slice", "metric"])
    write_table(reporting.rounded(mean), out.mean)
