"""Quantification tables of mcmicro: CellID, markers, then place and shape of each cell."""

from spclust.io import tables

READS = ("tables",)
COLUMNS = {"cell_id": "CellID", "x": "X_centroid", "y": "Y_centroid"}
IMAGE = "mcmicro_image"


def recognises(files):
    return tables.are_tables(files) and all(
        set(COLUMNS.values()) <= set(tables.header(file)) for file in files
    )


def read(files, cfg):
    """Several tables are several images, named by their files.

    Raises
    ------
    UserError
        When a column of the format is missing, or images differ in their markers.
    """
    parts = []
    for file in files:
        part = tables.read(file, text=[COLUMNS["cell_id"]], key="quantification")
        for key, column in COLUMNS.items():
            tables.require(column, part.frame.columns, key, file)
        if len(files) > 1:
            part.frame[IMAGE] = file.name.split(".")[0]
            part.origin[IMAGE] = "quantification"
        parts.append(part)
    table = tables.stack(parts)
    columns = list(table.frame.columns)
    markers = [c for c in columns[: columns.index(COLUMNS["x"])] if c != COLUMNS["cell_id"]]
    image = {"image": IMAGE} if len(files) > 1 else {}
    table.roles = COLUMNS | image | {"proteins": markers}
    return table
