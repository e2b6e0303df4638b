"""Draw the comparison of all runs."""

import pandas as pd

from spclust import logs
from spclust.plots import summary

with logs.job(snakemake.log[0], snakemake.rule):
    text = dict.fromkeys(["dataset", "run", "method", "slice"], str)
    long = pd.read_csv(snakemake.input[0], sep="\t", dtype=text)
    summary.plot_summary(snakemake.output[0], long, **snakemake.params.cfg)
