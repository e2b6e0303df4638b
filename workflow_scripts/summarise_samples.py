"""Put the tables of the images of all datasets with a sheet of samples into one."""

import pandas as pd

from spclust.data.atomic import write_table
from spclust.data.samples import read_samples
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    tables = [read_samples(path) for path in snakemake.input]
    for dataset, table in zip(snakemake.params.cfg["datasets"], tables, strict=True):
        table.insert(0, "dataset", dataset)
    write_table(pd.concat(tables, ignore_index=True), snakemake.output[0])
