"""Draw the comparison of the methods."""

import pandas as pd

from spclust import logs
from spclust.plots import comparison

with logs.job(snakemake.log[0], snakemake.rule):
    text = {"dataset": str, "class": str, "run": str}
    tables = {
        name: pd.read_csv(path, sep="\t", dtype=text) for name, path in snakemake.input.items()
    }
    comparison.draw(snakemake.output[0], tables)
