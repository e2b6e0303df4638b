"""Draw the comparison of the methods."""

from spclust import contracts, logs
from spclust.plots import comparison

with logs.job(snakemake.log[0], snakemake.rule):
    tables = {name: contracts.read_written(path, "dataset", "class", "run")
              for name, path in snakemake.input.items()}  # fmt: skip
    comparison.draw(snakemake.output[0], tables)
