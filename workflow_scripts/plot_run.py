"""Draw every figure of one run."""

from pathlib import Path

from spclust.data import contracts
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.plots import runs

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = contracts.read_cells(files.cells, "prepared")
    balanced, votes = files.get("balanced"), files.get("votes")
    run = runs.RunData(
        cells,
        labels=contracts.read_labels(files.labels, cells.ids),
        clusters=contracts.read_clusters(files.clusters, cells.ids),
        analyses={Path(folder).name: Path(folder) for folder in files.get("analyses", ())},
        balanced=None if balanced is None else contracts.read_cells(balanced, "balanced"),
        votes=None if votes is None else Votes.read(votes, cells.ids),
        extras=contracts.read_extras(files.extras),
        settings=snakemake.params.cfg,
    )
    runs.plot_run(snakemake.output[0], run, snakemake.params.pdf)
