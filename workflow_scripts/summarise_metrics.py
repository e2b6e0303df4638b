"""Collect the metrics of all runs, their mean and sd, and the agreement between seeds."""

import pandas as pd

from spclust import contracts, logs, metrics

with logs.job(snakemake.log[0], snakemake.rule):
    long = metrics.collect(
        snakemake.params.cfg["results"],
        [pd.read_csv(path, sep="\t") for path in snakemake.input.metrics],
        [
            contracts.read_table(p, ["cluster"], "train")["cluster"]
            for p in snakemake.input.clusters
        ],
    )
    contracts.write_table(long, snakemake.output.metrics)
    contracts.write_table(metrics.mean_and_sd(long), snakemake.output.mean)
