"""Rank the features that tell each cluster from the rest."""

from spclust.analyses import markers
from spclust.data import contracts
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = contracts.read_cells(files.cells, "prepared")
    extras = contracts.read_extras(files.extras)
    of_features = {
        name: extras[name].set_index("cluster")
        for name in ("importance", "attribution")
        if name in extras
    }
    table = markers.rank(
        cells,
        contracts.read_clusters(files.clusters, cells.ids)["cluster"],
        **of_features,
    )
    contracts.write_table(table, snakemake.output[0])
