"""Draw the comparison of the methods."""

from spclust.comparison import figures as comparison
from spclust.data.tables import read_written
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    tables = {
        name: read_written(path, "dataset", "class", "run")
        for name, path in snakemake.input.items()
    }
    comparison.draw(snakemake.output[0], tables, snakemake.params.pdf)
