"""Draw a study."""

import pandas as pd

from spclust import logs
from spclust.plots import study

with logs.job(snakemake.log[0], snakemake.rule):
    text = dict.fromkeys(["dataset", "label", "run", "metric"], str)
    table = pd.read_csv(
        snakemake.input[0], sep="\t", dtype=text, keep_default_na=False, na_values=""
    )
    study.draw(snakemake.output[0], table, snakemake.params.cfg)
