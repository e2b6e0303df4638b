"""Put what all runs of a dataset say of each cell beside the rows of the user's files."""

from pathlib import Path

from spclust.data.atomic import write_table
from spclust.data.tables import read_written
from spclust.engine import logs
from spclust.io.rows import read_rows
from spclust.io.writers.annotated import annotate_rows

with logs.job(snakemake.log[0], snakemake.rule):
    tables = [
        (
            part["prefix"],
            read_written(Path(folder) / part["file"], "cell", "name").set_index("cell"),
        )
        for folder, part in zip(snakemake.input.tables, snakemake.params.cfg, strict=True)
    ]
    rows = annotate_rows(read_rows(snakemake.input.rows), tables)
    write_table(rows, snakemake.output[0])
