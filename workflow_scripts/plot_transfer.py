"""Draw the labels that a model of other slices gave."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.plots import transfer
from spclust.plots.maps import Groups

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = contracts.read_cells(files.cells, "prepared")
    own, learnt = files.get("own"), contracts.read_clusters(files.source_clusters)["cluster"]
    transfer.draw(
        snakemake.output[0],
        cells,
        labels=contracts.read_labels(files.labels, cells.ids),
        clusters=contracts.read_clusters(files.clusters, cells.ids)["cluster"].to_numpy(),
        distance=contracts.read_values(files.distance, cells.ids, "transfer_labels")[0].ravel(),
        source=Groups.of(
            learnt.to_numpy(), contracts.read_labels(files.source_labels, learnt.index)
        ),
        pdf=snakemake.params.pdf,
        own=None if own is None else contracts.read_clusters(own, cells.ids)["cluster"].to_numpy(),
    )
