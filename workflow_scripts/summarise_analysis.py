"""Put the tables that an analysis left of every run, or every dataset, into one."""

from pathlib import Path

import pandas as pd

from spclust.data import contracts
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    cfg, tables = snakemake.params.cfg, []
    for part in cfg["parts"]:
        table = contracts.read_written(Path(part["folder"]) / cfg["file"])
        for at, (name, value) in enumerate(part["about"].items()):
            table.insert(at, name, value)
        tables.append(table)
    contracts.write_table(pd.concat(tables, ignore_index=True), snakemake.output[0])
