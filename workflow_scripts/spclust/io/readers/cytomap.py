"""Tables of CytoMAP, channels of which begin with Ch_, and of Imaris as it reads them."""

from spclust.io import guess, images, joining, tables

READS = ("tables",)
PLACES = (("Position X", "Position Y"), ("X", "Y"))
MARKER = "Ch_"
IMAGE = "cytomap_image"


def recognises(files):
    return bool(_own(files)[0])


def _own(files):
    imaris = tables.with_columns(files, PLACES[0])
    if imaris:
        return imaris, PLACES[0]
    own = tables.with_columns(files, PLACES[1])
    return [f for f in own if len(_channels(tables.header(f))) > 1], PLACES[1]


def _channels(columns):
    return [c for c in columns if c.startswith(MARKER)]


def read(files, cfg):
    """Cells of all files, each an image.

    Raises
    ------
    UserError
        When a column of the format is missing, or tables differ in their channels.
    """
    own, (x, y) = _own(files)
    if not own:
        for axis, column in zip("xy", PLACES[0]):
            tables.require(column, tables.header(files[0]), axis, files[0])
    cell_id = guess.cell_id(tables.header(own[0]))
    table = images.read_images(own, [cell_id] if cell_id else [], "cells", by_file=IMAGE)
    table.roles = {"x": x, "y": y}
    if cell_id:
        table.roles["cell_id"] = cell_id
    if IMAGE in table.frame:
        table.roles["image"] = IMAGE
    if channels := _channels(table.frame.columns):
        table.roles["proteins"] = channels
        table.renamed = {column: column.removeprefix(MARKER) for column in channels}
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))
