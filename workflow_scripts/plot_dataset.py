"""Draw every figure of one dataset."""

from pathlib import Path

from spclust.engine import logs
from spclust.plots import datasets

with logs.job(snakemake.log[0], snakemake.rule):
    analyses = {Path(folder).name: Path(folder) for folder in snakemake.input}
    datasets.plot_dataset(snakemake.output[0], analyses, snakemake.params.pdf)
