"""Label a slice with the model of a run on another."""

from pathlib import Path

from spclust.data.atomic import write_json
from spclust.data.cell_files import read_mudata, write_cells
from spclust.data.clusters import write_clusters
from spclust.data.models import Model
from spclust.data.values import write_values
from spclust.engine import logs
from spclust.methods.task import Machine
from spclust.stages import transfer

with logs.job(snakemake.log[0], snakemake.rule):
    model = Model.load(Path(snakemake.input.extras) / "model")
    cells, result, facts = transfer.label(
        model,
        read_mudata(snakemake.input.cells, "imported"),
        seed=int(snakemake.wildcards.seed),
        machine=Machine(snakemake.config["device"], snakemake.threads),
    )
    out = snakemake.output
    write_cells(cells, out.cells)
    write_clusters(result.labels, result.confidence, result.ids, out.clusters)
    write_values(result.embedding, result.ids, out.embedding)
    write_values(facts.pop("distance")[:, None], result.ids, out.distance)
    write_json(facts | {"cost": result.cost}, out.facts)
