"""Decide how many clusters a dataset is divided into."""

from spclust.data.atomic import write_json
from spclust.data.cell_files import read_cells
from spclust.data.labels import read_labels
from spclust.engine import logs
from spclust.knowledge import signatures
from spclust.stages import pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    cells = read_cells(snakemake.input.cells, "prepared")
    files, knowledge = snakemake.input, ()
    labels = files.get("labels")
    if files.get("signatures"):
        knowledge = signatures.read_knowledge_tables(files)
    n_clusters, how = pseudolabels.choose_n_clusters(
        cells,
        reference=read_labels(labels, cells.ids) if labels else None,
        knowledge=knowledge,
        **snakemake.params.cfg,
    )
    write_json({"n_clusters": n_clusters, "how": how}, snakemake.output[0])
