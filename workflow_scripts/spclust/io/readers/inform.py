"""Cell segmentation data of inForm, of one field, merged, or consolidated by phenoptr."""

import logging

from spclust.io import images, joining, tables

log = logging.getLogger(__name__)

READS = ("tables",)
COLUMNS = {"cell_id": "Cell ID", "x": "Cell X Position", "y": "Cell Y Position"}
IMAGES = ("Sample Name",)
SLIDE = "Slide ID"
IMAGE = "inform_image"


def recognises(files):
    return bool(tables.with_columns(files, COLUMNS.values()))


def read(files, cfg):
    """Cells of all fields; the rows of a summary, which stand for all cells of a field, are not.

    Raises
    ------
    UserError
        When a column of the format is missing.
    """
    own = tables.with_columns(files, COLUMNS.values())
    if not own:
        for key, column in COLUMNS.items():
            tables.require(column, tables.header(files[0]), key, files[0])
    text = [COLUMNS["cell_id"], *IMAGES, SLIDE]
    of_cells = [file for file in own if "summary" not in file.name.lower()] or own
    table = images.read_images(of_cells, text, "cells", by_file=IMAGE, alike=False)
    summed = table.frame[COLUMNS["cell_id"]].str.lower().eq("all").to_numpy()
    if summed.any():
        log.warning("%s: %d rows that sum up others are left out", table.files(), summed.sum())
        table = table.without(summed, "a sum of cells")
    table.roles = dict(COLUMNS)
    images.settle_image(table, IMAGES, IMAGE, SLIDE)
    table.unit_of_length = _unit(table.frame.columns)
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))


def _unit(columns):
    """Unit of places, which is that of areas and distances."""
    if any("(square microns)" in column or "(microns)" in column for column in columns):
        return "µm"
    return "px" if any("(pixels)" in column for column in columns) else None
