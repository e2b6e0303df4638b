"""Draw the comparison of all runs."""

import pandas as pd

from spclust import logs, plots

with logs.job(snakemake.log[0], snakemake.rule):
    plots.plot_summary(
        snakemake.output[0],
        pd.read_csv(
            snakemake.input[0], sep="\t", dtype={"dataset": str, "run": str, "method": str}
        ),
        **snakemake.params.cfg,
    )
