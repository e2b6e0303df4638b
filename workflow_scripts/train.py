"""Train a method on both graphs of a balanced slice."""

from pathlib import Path

from spclust import contracts, logs, methods

checkpoint = Path(snakemake.output.clusters).with_name(".checkpoint.pt")
with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "balanced")
    result = methods.cluster(
        cells,
        n_clusters=contracts.read_n_clusters(snakemake.input.n_clusters),
        seed=int(snakemake.wildcards.seed),
        settings=snakemake.params.cfg,
        graphs=contracts.read_graphs(snakemake.input.graphs),
        machine=methods.Machine(
            snakemake.config["device"],
            snakemake.threads,
            checkpoint,
            snakemake.config["checkpoint_every"],
            version=snakemake.params.code,
        ),
    )
    result.write(snakemake.output)
    checkpoint.unlink(missing_ok=True)
