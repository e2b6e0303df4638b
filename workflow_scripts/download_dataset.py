"""Fetch one file of the registry."""

from spclust import download, logs

with logs.job(snakemake.log[0], snakemake.rule):
    download.fetch(
        target=snakemake.output.file,
        mirror=snakemake.config["mirror"],
        **{key: value for key, value in snakemake.params.cfg.items() if key != "name"},
    )
