"""Put the tables that an analysis left of every run, or every dataset, into one."""

from pathlib import Path

import pandas as pd

from spclust.data.atomic import write_table
from spclust.data.tables import read_written
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    cfg, tables = snakemake.params.cfg, []
    for folder, about in zip(snakemake.input, cfg["of"], strict=True):
        table = read_written(Path(folder) / cfg["file"])
        for at, (name, value) in enumerate(about.items()):
            table.insert(at, name, value)
        tables.append(table)
    write_table(pd.concat(tables, ignore_index=True), snakemake.output[0])
