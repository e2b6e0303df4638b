"""Draw the labels that a model of other slices gave."""

from spclust.data.cell_files import read_cells
from spclust.data.clusters import read_clusters
from spclust.data.labels import read_labels
from spclust.data.values import read_values
from spclust.engine import logs
from spclust.plots import transfer
from spclust.plots.maps import Groups

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = read_cells(files.cells, "prepared")
    own, learnt = files.get("own"), read_clusters(files.source_clusters)["cluster"]
    transfer.draw(
        snakemake.output[0],
        cells,
        labels=read_labels(files.labels, cells.ids),
        clusters=read_clusters(files.clusters, cells.ids)["cluster"].to_numpy(),
        distance=read_values(files.distance, cells.ids, "transfer_labels")[0].ravel(),
        source=Groups.of(learnt.to_numpy(), read_labels(files.source_labels, learnt.index)),
        pdf=snakemake.params.pdf,
        own=None if own is None else read_clusters(own, cells.ids)["cluster"].to_numpy(),
    )
