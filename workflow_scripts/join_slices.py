"""Join the slices of a cohort into one dataset."""

from spclust.data.atomic import write_table
from spclust.data.cell_files import read_mudata, write_mudata
from spclust.data.tables import read_table
from spclust.engine import logs
from spclust.io import cohort, rows

with logs.job(snakemake.log[0], snakemake.rule):
    given, cfg = snakemake.input, snakemake.params.cfg
    parts = [
        (
            name,
            read_mudata(cells, "imported"),
            read_table(labels, ["label", "scored"], "import_cells").reset_index(),
        )
        for name, cells, labels in zip(cfg["slices"], given.cells, given.labels, strict=True)
    ]
    cells, labels = cohort.join(parts, cfg["min_label_size"], cfg.get("pixel_size"))
    write_mudata(cells, snakemake.output.cells)
    write_table(labels, snakemake.output.labels)
    of_slices = dict(zip(cfg["slices"], map(rows.read_rows, given.rows), strict=True))
    write_table(rows.of_slices(of_slices), snakemake.output.rows)
