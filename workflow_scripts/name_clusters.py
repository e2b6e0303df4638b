"""Propose a name for each cluster by what it has more of than the others."""

from spclust import contracts, logs, naming, signatures

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    table = naming.name_clusters(
        contracts.read_written(files.markers, "feature"),
        contracts.read_clusters(files.clusters)["cluster"].value_counts(),
        *signatures.read_knowledge_tables(files),
    )
    contracts.write_table(table, snakemake.output[0])
