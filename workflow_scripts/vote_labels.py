"""Make a pool of partitions and let it vote."""

from spclust.data.cell_files import read_cells, read_mudata
from spclust.data.n_clusters import read_n_clusters
from spclust.engine import logs
from spclust.knowledge import signatures
from spclust.stages import votes as pools

with logs.job(snakemake.log[0], snakemake.rule):
    given = snakemake.input
    votes = pools.vote(
        read_mudata(given.measured, "imported"),
        read_cells(given.cells, "prepared"),
        n_clusters=read_n_clusters(given.n_clusters),
        seed=int(snakemake.wildcards.seed),
        knowledge=signatures.read_knowledge_tables(given),
        **snakemake.params.cfg,
    )
    votes.write(**{name: snakemake.output[name] for name in snakemake.output.keys()})
