"""Make a pool of partitions and let it vote."""

from spclust import contracts, logs, panel, pools, signatures

with logs.job(snakemake.log[0], snakemake.rule):
    given = snakemake.input
    proteins = panel.read_proteins(given.proteins)
    votes = pools.poll(
        contracts.read_mudata(given.measured, "imported"),
        contracts.read_cells(given.cells, "prepared"),
        n_clusters=contracts.read_n_clusters(given.n_clusters),
        seed=int(snakemake.wildcards.seed),
        knowledge=(signatures.read_signatures(given.signatures, proteins), proteins),
        **snakemake.params.cfg,
    )
    votes.write(**{name: snakemake.output[name] for name in snakemake.output.keys()})
