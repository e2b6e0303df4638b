"""Quantification tables of mcmicro: CellID, markers, then place and shape of each cell."""

import logging
import re

from spclust.data import formats
from spclust.errors import UserError
from spclust.io import images, joining, tables

log = logging.getLogger(__name__)

READS = ("tables",)
COLUMNS = {"cell_id": "CellID", "x": "X_centroid", "y": "Y_centroid"}
IMAGE = "mcmicro_image"

# `<image>--<program>_<mask>`, or a mask's name behind that of an image
_MASK = re.compile(r"(.+--.+|.+)_(cell|nuclei|cyto|nucleus|cytoplasm|cellRing|nucleiRing|cytoRing)")
# several values a marker: masks of one table, and what mcquant measures beside the mean
_MODE = re.compile(r"_(\w+Mask|intensity_\w+|gini_index)$")


def recognises(files):
    return bool(tables.with_columns(files, COLUMNS.values()))


def read(files, cfg):
    """Several tables are several images, named by file or folder; of masks, that of whole cells.

    Raises
    ------
    UserError
        When a column of the format is missing, images differ in their markers, or tables of
        several masks of an image have none of whole cells among them.
    """
    own = tables.with_columns(files, COLUMNS.values())
    if not own:
        for key, column in COLUMNS.items():
            tables.require(column, tables.header(files[0]), key, files[0])
    table = images.read_images(
        _of_one_mask(own), [COLUMNS["cell_id"]], "quantification", by_file=IMAGE
    )
    table.roles = dict(COLUMNS)
    if IMAGE in table.frame:
        table.roles["image"] = IMAGE
    markers = _markers(list(table.frame.columns))
    if not any(_MODE.search(column) for column in table.frame.columns):
        table.roles["proteins"] = markers
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))


def _markers(columns):
    """Columns before the places; what of a mask is among them is told by its name."""
    block = columns[: columns.index(COLUMNS["x"])]
    return [c for c in block if c != COLUMNS["cell_id"] and not c.startswith("Unnamed: ")]


def _of_one_mask(files):
    """Files of one mask an image, of those whose names end in that of a mask."""
    named = {file: _MASK.fullmatch(formats.stem(file)) for file in files}
    masks_of = {}
    for file, match in named.items():
        if match:
            masks_of.setdefault((file.parent, match[1]), {})[match[2]] = file
    several = [masks for masks in masks_of.values() if len(masks) > 1]
    if not several:
        return files
    if any("cell" not in masks for masks in masks_of.values()):
        raise UserError(
            f"{files[0].parent}: there are tables of several masks of one image "
            f"({', '.join(file.name for file in several[0].values())}); name those of one mask, "
            f"e.g.  path: {next(iter(several[0].values()))}"
        )
    kept = [masks["cell"] for masks in masks_of.values()]
    kept += [file for file, match in named.items() if not match]
    log.warning(
        "%s: of the tables of several masks those of whole cells are read (%s); for another mask "
        "name its table, e.g.  path: %s",
        files[0].parent,
        ", ".join(file.name for file in kept[:5]),
        next(file for mask, file in several[0].items() if mask != "cell"),
    )
    return [file for file in files if file in kept]
