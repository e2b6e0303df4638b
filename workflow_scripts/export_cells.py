"""Add the clusters of one run to the imported cells."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.io.writers import clustered as export

with logs.job(snakemake.log[0], snakemake.rule):
    files, out = snakemake.input, snakemake.output[0]
    data = contracts.read_mudata(files.imported, "imported")
    clusters = contracts.read_clusters(files.clusters)
    cells = export.add_clusters(
        data,
        contracts.read_labels(files.labels, data.obs_names),
        clusters,
        key=snakemake.params.key,
        embedding=contracts.read_values(files.embedding, clusters.index)[0],
        umap=contracts.read_values(files.umap, clusters.index, "embed_run")[0],
        names=contracts.read_cluster_names(files.names),
        keep_mudata=out.endswith(".h5mu"),
    )
    export.write(cells, out)
