"""Two-dimensional UMAP of an embedding or of the proteins."""

from spclust import contracts, graphs, logs

with logs.job(snakemake.log[0], snakemake.rule):
    matrix = contracts.read_matrix(snakemake.input[0])
    umap = graphs.umap_for_figures(matrix, int(snakemake.wildcards.seed))
    contracts.write_array(umap, snakemake.output[0])
