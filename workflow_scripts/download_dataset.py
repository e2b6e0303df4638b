"""Fetch one file of the registry."""

from spclust.engine import logs
from spclust.stages import download

with logs.job(snakemake.log[0], snakemake.rule):
    download.fetch(
        target=snakemake.output.file,
        mirror=snakemake.config["mirror"],
        **{key: value for key, value in snakemake.params.cfg.items() if key != "name"},
    )
