"""Tables of histoCAT: ImageId, CellId, Cell_<marker>, shape, neighbours and place."""

from spclust.io import images, joining, tables

READS = ("tables",)
COLUMNS = {"cell_id": "CellId", "image": "ImageId", "x": "X_position", "y": "Y_position"}
MARKER = "Cell_"
IMAGE = "histocat_image"


def recognises(files):
    return bool(tables.with_columns(files, COLUMNS.values()))


def read(files, cfg):
    """Cells of all images.

    Raises
    ------
    UserError
        When a column of the format is missing, or tables differ in their channels.
    """
    own = tables.with_columns(files, COLUMNS.values())
    if not own:
        for key, column in COLUMNS.items():
            tables.require(column, tables.header(files[0]), key, files[0])
    text = [COLUMNS["cell_id"], COLUMNS["image"]]
    table = images.read_images(own, text, "cells", by_file=IMAGE)
    table.roles = {key: column for key, column in COLUMNS.items() if key != "image"}
    markers = [c for c in table.frame.columns if c.startswith(MARKER)]
    if markers:
        table.roles["proteins"] = markers
    images.settle_image(table, [COLUMNS["image"]], IMAGE)
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))
