"""Propose a name for each cluster by what it has more of than the others."""

import pandas as pd

from spclust import contracts, logs, naming, signatures

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    table = naming.name_clusters(
        pd.read_csv(files.markers, dtype={"feature": str}),
        contracts.read_clusters(files.clusters)["cluster"].value_counts(),
        *signatures.read_knowledge_tables(files),
    )
    contracts.write_table(table, snakemake.output[0])
