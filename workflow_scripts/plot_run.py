"""Draw every figure of one run."""

from pathlib import Path

from spclust.data.cell_files import read_cells
from spclust.data.clusters import read_clusters, read_extras
from spclust.data.labels import read_labels
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.plots import runs

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    cells = read_cells(files.cells, "prepared")
    balanced, votes = files.get("balanced"), files.get("votes")
    run = runs.RunData(
        cells,
        labels=read_labels(files.labels, cells.ids),
        clusters=read_clusters(files.clusters, cells.ids),
        analyses={Path(folder).name: Path(folder) for folder in files.get("analyses", ())},
        balanced=None if balanced is None else read_cells(balanced, "balanced"),
        votes=None if votes is None else Votes.read(votes, cells.ids),
        extras=read_extras(files.extras),
        settings=snakemake.params.cfg,
    )
    runs.plot_run(snakemake.output[0], run, snakemake.params.pdf)
