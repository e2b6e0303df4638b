"""Tables of CellProfiler: one of the cells and, where it lies beside, one of the images."""

import logging

from spclust.data import formats
from spclust.errors import UserError
from spclust.io import images, joining, tables

log = logging.getLogger(__name__)

READS = ("tables",)
CELL_ID, IMAGE_ID = "ObjectNumber", "ImageNumber"
# with the name of the objects before it, where tables of several were put into one
PLACES = [
    f"{objects}{place}_Center_{{}}"
    for objects in ("", "Cells_", "Cell_", "cells_", "cell_", "Nuclei_", "nuclei_")
    for place in ("Location", "AreaShape")
]
IMAGE = "cellprofiler_image"


def recognises(files):
    return bool(_of_objects(files))


def _of_objects(files):
    return [f for f in tables.with_columns(files, (IMAGE_ID, CELL_ID)) if _places(f)]


def _places(file):
    pairs = [[form.format(axis) for axis in "XY"] for form in PLACES]
    names = set(tables.header(file))
    return next((pair for pair in pairs if names.issuperset(pair)), None)


def read(files, cfg):
    """Cells of all images; of an image its number counts or, with the table of images, its file.

    Raises
    ------
    UserError
        When a column of the format is missing, or there are tables of several kinds of objects.
    """
    objects = _of_objects(files)
    if not objects:
        for key, column in (("cell_id", CELL_ID), ("image", IMAGE_ID)):
            tables.require(column, tables.header(files[0]), key, files[0])
        tables.require(PLACES[0].format("X"), tables.header(files[0]), "x", files[0])
    own = _of_cells(objects)
    parts = [_with_images(file, files) for file in own]
    for part, name in zip(parts, images.image_names(own)):
        # numbers start anew in each run of the program
        names = part.frame[IMAGE] if IMAGE in part.frame else part.frame[IMAGE_ID]
        if len(own) > 1:
            part.add(IMAGE, f"{name}_" + names, like=IMAGE_ID)
    table = joining.stack(parts, alike=False) if len(parts) > 1 else parts[0]
    x, y = _places(own[0])
    image = IMAGE if IMAGE in table.frame else IMAGE_ID
    table.roles = {"cell_id": CELL_ID, "image": image, "x": x, "y": y}
    twice = table.frame.duplicated([image, CELL_ID]).sum()
    if twice:
        del table.roles["cell_id"]
        log.warning(
            "%s: %d rows have the number of another cell of their image, so cells are named by "
            "their rows; where several runs of CellProfiler stand one below the other, name a "
            "column that tells their images apart as  image:  of the dataset",
            table.files(),
            twice,
        )
    return table


def _of_cells(objects):
    """Tables of cells among those of nuclei and other objects of the same images."""
    names = {formats.stem(file).lower() for file in objects}
    if len(names) == 1:
        return objects
    cells = [f for f in objects if formats.stem(f).lower().endswith(("cell", "cells"))]
    if len({formats.stem(file) for file in cells}) != 1:
        raise UserError(
            f"{objects[0].parent}: there are tables of several kinds of objects "
            f"({', '.join(sorted(names))}); name the one of the cells, e.g.  path: {objects[0]}"
        )
    log.warning(
        "%s: of the tables of objects (%s) that of cells is read, %s",
        objects[0].parent,
        ", ".join(sorted(names)),
        cells[0].name,
    )
    return cells


def _with_images(file, files):
    """Cells of a table, with what the table of images in its folder says."""
    cells = tables.read(file, text=[CELL_ID, IMAGE_ID], key="cells")
    beside = [
        other
        for other in tables.with_columns(files, [IMAGE_ID])
        if other.parent == file.parent and CELL_ID not in tables.header(other)
    ]
    for other in beside:
        of_images = tables.read(other, text=[IMAGE_ID], key="images")
        if of_images.frame[IMAGE_ID].duplicated().any():
            continue  # relations of objects
        cells = joining.look_up(cells, of_images, [IMAGE_ID])
        for column in of_images.frame.columns:
            names = of_images.frame[column]
            if column.startswith("FileName_") and names.notna().all() and names.is_unique:
                cells.add(IMAGE, cells.frame[column], like=IMAGE_ID)
                break
    return cells
