"""Rank the features that tell each cluster from the rest."""

from spclust import contracts, logs, markers

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = contracts.read_cells(files.cells, "prepared")
    importance = contracts.read_extras(files.extras).get("importance")
    table = markers.rank(
        cells,
        contracts.read_clusters(files.clusters, cells.ids)["cluster"],
        importance=None if importance is None else importance.set_index("cluster"),
    )
    contracts.write_table(table, snakemake.output[0])
