"""Join the slices of a cohort into one dataset."""

from spclust.data import contracts
from spclust.engine import logs
from spclust.io import cohort

with logs.job(snakemake.log[0], snakemake.rule):
    given, cfg = snakemake.input, snakemake.params.cfg
    parts = [
        (
            name,
            contracts.read_mudata(cells, "imported"),
            contracts.read_table(labels, ["label", "scored"], "import_cells").reset_index(),
        )
        for name, cells, labels in zip(cfg["slices"], given.cells, given.labels, strict=True)
    ]
    cells, labels = cohort.join(parts, cfg["min_label_size"])
    contracts.write_mudata(cells, snakemake.output.cells)
    contracts.write_table(labels, snakemake.output.labels)
