"""Label a slice with the model of a run on another."""

from pathlib import Path

from spclust.data import contracts
from spclust.data.models import Model
from spclust.engine import logs
from spclust.methods.task import Machine
from spclust.stages import transfer

with logs.job(snakemake.log[0], snakemake.rule):
    model = Model.load(Path(snakemake.input.extras) / "model")
    cells, result, facts = transfer.label(
        model,
        contracts.read_mudata(snakemake.input.cells, "imported"),
        seed=int(snakemake.wildcards.seed),
        machine=Machine(snakemake.config["device"], snakemake.threads),
    )
    out = snakemake.output
    contracts.write_cells(cells, out.cells)
    contracts.write_clusters(result.labels, result.confidence, result.ids, out.clusters)
    contracts.write_values(result.embedding, result.ids, out.embedding)
    contracts.write_values(facts.pop("distance")[:, None], result.ids, out.distance)
    contracts.write_json(facts | {"cost": result.cost}, out.facts)
