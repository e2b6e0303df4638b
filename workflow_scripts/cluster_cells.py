"""Cluster cells with any method."""

from pathlib import Path

from spclust.data import graphs as graph_files
from spclust.data.cell_files import read_cells
from spclust.data.labels import read_labels
from spclust.data.n_clusters import read_n_clusters
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.methods import running
from spclust.methods.task import Machine

checkpoint = Path(snakemake.output.clusters).with_name(".checkpoint.pt")
with logs.job(snakemake.log[0], snakemake.rule):
    given = snakemake.input
    cells = read_cells(given.cells, "prepared")
    graphs, labels, votes = (given.get(name) for name in ("graphs", "labels", "votes"))
    result = running.cluster(
        cells,
        n_clusters=read_n_clusters(given.n_clusters),
        seed=int(snakemake.wildcards.seed),
        settings=snakemake.params.cfg,
        name=snakemake.wildcards.method,
        graphs=None if graphs is None else graph_files.read_graphs(graphs),
        votes=Votes.read(votes, cells.original().ids, given.votes_cost) if votes else None,
        reference=None if labels is None else read_labels(labels, cells.ids),
        machine=Machine(
            snakemake.config["device"],
            snakemake.threads,
            checkpoint,
            snakemake.config["checkpoint_every"],
            version=snakemake.params.code,
        ),
    )
    result.write(**{name: snakemake.output[name] for name in snakemake.output.keys()})
    checkpoint.unlink(missing_ok=True)
