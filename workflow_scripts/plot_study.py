"""Draw a study."""

from spclust.comparison import study_figure as study
from spclust.data.tables import read_written
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    table = read_written(snakemake.input[0], "dataset", "label", "run", "metric")
    study.draw(snakemake.output[0], table, snakemake.params.cfg, snakemake.params.pdf)
