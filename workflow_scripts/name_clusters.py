"""Propose a name for each cluster by what it has more of than the others."""

from spclust.analyses import names as naming
from spclust.data import contracts
from spclust.engine import logs
from spclust.knowledge import signatures

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    table = naming.name_clusters(
        contracts.read_written(files.markers, "feature"),
        contracts.read_clusters(files.clusters)["cluster"].value_counts(),
        *signatures.read_knowledge_tables(files),
    )
    contracts.write_table(table, snakemake.output[0])
