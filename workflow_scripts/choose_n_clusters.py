"""Decide how many clusters a dataset is divided into."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.knowledge import signatures
from spclust.stages import pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    files, knowledge = snakemake.input, ()
    labels = files.get("labels")
    if files.get("signatures"):
        knowledge = signatures.read_knowledge_tables(files)
    n_clusters, how = pseudolabels.choose_n_clusters(
        cells,
        reference=contracts.read_labels(labels, cells.ids) if labels else None,
        knowledge=knowledge,
        **snakemake.params.cfg,
    )
    contracts.write_json({"n_clusters": n_clusters, "how": how}, snakemake.output[0])
