"""Score one run, with and without labels."""

from spclust.analyses import metrics
from spclust.data import contracts
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = contracts.read_cells(files.cells, "prepared")
    scores, classes = metrics.evaluate(
        cells,
        contracts.read_labels(files.labels, cells.ids),
        contracts.read_clusters(files.clusters, cells.ids)["cluster"],
        embedding=contracts.read_values(files.embedding, cells.ids)[0],
        seed=int(snakemake.wildcards.seed),
        **snakemake.params.cfg,
    )
    contracts.write_table(scores, snakemake.output.metrics)
    contracts.write_table(classes, snakemake.output.classes)
    if "settings" in snakemake.output.keys():  # labels by a model are in no comparison
        contracts.write_json(snakemake.params.made_with, snakemake.output.settings)
