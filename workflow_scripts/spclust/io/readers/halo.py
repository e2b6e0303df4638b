"""Object data of HALO: a box around each cell, and for each dye gates and intensities."""

import logging
import re

from spclust.io import images, joining, tables

log = logging.getLogger(__name__)

READS = ("tables",)
BOX = ("XMin", "XMax", "YMin", "YMax")
CELL_ID = "Object Id"
IMAGES = ("Image Location", "Image File Name", "Image Tag", "Image Name")
REGION = "Analysis Region"
INPUTS = "Analysis Inputs"
X, Y = "(XMin+XMax)/2", "(YMin+YMax)/2"
IMAGE = "halo_image"
# "Dye 1:CD3 (Opal 520)", one behind the other
_INPUT = re.compile(r"\b(Dye \d+)\s*[:=]\s*(.+?)\s*(?=[,;|{}\n]|\bDye \d+\s*[:=]|$)")


def recognises(files):
    return bool(_own(files))


def _own(files):
    of_cells = tables.with_columns(files, BOX)
    known = {CELL_ID, REGION, *IMAGES}
    return [file for file in of_cells if known & set(tables.header(file))]


def read(files, cfg):
    """Cells of all images and regions, in the middle of their boxes.

    Raises
    ------
    UserError
        When a column of the format is missing.
    """
    own = _own(files)
    if not own:
        for column in (*BOX, CELL_ID):
            tables.require(column, tables.header(files[0]), "x", files[0])
    table = images.read_images(
        own, [CELL_ID, REGION, *IMAGES], "objects", by_file=IMAGE, alike=False
    )
    for axis, column in (("X", X), ("Y", Y)):
        sides = tables.numbers(table.frame, [f"{axis}Min", f"{axis}Max"], table.place, "correct it")
        table.add(column, sides.mean(axis=1), like=f"{axis}Min")
    table.roles = {"x": X, "y": Y}
    if CELL_ID in table.frame:
        table.roles["cell_id"] = CELL_ID
    images.settle_image(table, IMAGES, IMAGE, REGION)
    table.renamed = _renamed(table)
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))


def _renamed(table):
    """Columns of numbered dyes to what the analysis says that they stain."""
    said = table.frame[INPUTS].dropna().unique() if INPUTS in table.frame else []
    stains = {frozenset(_INPUT.findall(text)) for text in map(str, said)} - {frozenset()}
    if len(stains) > 1:
        log.warning(
            "%s: column %r names the dyes in %d ways, so that they keep their numbers; check that "
            "a dye is the same stain everywhere",
            table.files(),
            INPUTS,
            len(stains),
        )
    if len(stains) != 1:
        return {}
    stain_of = dict(stains.pop())
    dyes = {c: re.match(r"Dye \d+(?= )", c) for c in table.frame.columns}
    return {
        column: stain_of[dye[0]] + column[dye.end() :]
        for column, dye in dyes.items()
        if dye and dye[0] in stain_of
    }
