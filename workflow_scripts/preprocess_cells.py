"""Prepare the features of each modality."""

from spclust import contracts, logs, panel, preprocess

with logs.job(snakemake.log[0], snakemake.rule):
    files = snakemake.input
    data = contracts.read_mudata(files.cells, "imported")
    # of a panel that takes all features no table is read
    tables = files.get("proteins")
    proteins = None if tables is None else panel.read_proteins(tables)
    cells = preprocess.prepare(data, snakemake.params.cfg, proteins)
    contracts.write_cells(cells, snakemake.output.cells)
