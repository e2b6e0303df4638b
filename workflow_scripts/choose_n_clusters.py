"""Decide how many clusters a dataset is divided into."""

from spclust import contracts, logs, pseudolabels

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    labels = snakemake.input.get("labels")
    n_clusters, how = pseudolabels.choose_n_clusters(
        cells,
        reference=contracts.read_labels(labels, cells.ids) if labels else None,
        **snakemake.params.cfg,
    )
    contracts.write_json({"n_clusters": n_clusters, "how": how}, snakemake.output[0])
