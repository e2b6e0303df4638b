"""Measurements that QuPath exports: of detections or cells, of one image or of several."""

import logging
import re

from spclust.errors import UserError
from spclust.io import images, joining, tables

log = logging.getLogger(__name__)

READS = ("tables",)
CELL_ID = "Object ID"
IMAGES = ("Image",)
IMAGE = "qupath_image"
CLASSES = ("Classification", "Class")
KINDS = ("Object type", "Name")
_KNOWN = {CELL_ID, "Object type", "Name", "Class", "Classification", "Parent", "ROI", "Image"}
# the sign for micro may be one of two letters, or spoilt by an encoding
_PLACE = re.compile(r"Centroid ([XY]) (px|pixels?|.{0,2}m|microns?)")
# objects that are no cells, as they are called now and were called
_OTHER_OBJECT = re.compile(
    r"(?i)annotation|tma core|image|root object.*|path(annotation|tmacore|root)\w*|tmacoreobject"
)


def recognises(files):
    return bool(_own(files))


def _places(file):
    """Columns of x and of y, and the unit they are in."""
    found = [m for m in map(_PLACE.fullmatch, tables.header_if_any(file)) if m]
    by_axis = {match[1]: match for match in found}
    if len(by_axis) < 2:
        return None
    unit = "px" if by_axis["X"][2].startswith("p") else "µm"
    return by_axis["X"][0], by_axis["Y"][0], unit


def _own(files):
    return [f for f in files if _places(f) and len(_KNOWN & set(tables.header(f))) > 1]


def read(files, cfg):
    """Cells of all images, without other objects such as annotations.

    Raises
    ------
    UserError
        When no table has places, or their units differ.
    """
    own = _own(files)
    if not own:
        raise UserError(
            f"{files[0]}: there are no columns 'Centroid X µm' and 'Centroid Y µm' (or px) as "
            "QuPath writes them; write  format: table  in the dataset's entry"
        )
    places = {_places(file): file for file in own}
    if len(places) > 1:
        raise UserError(
            f"{' and '.join(map(str, places.values()))} have their places in different columns "
            f"({', '.join(place[0] for place in places)}); set the pixel size of all images in "
            "QuPath and export them again"
        )
    ((x, y, unit),) = places
    text = [CELL_ID, *IMAGES, *CLASSES, *KINDS, "Parent", "ROI"]
    table = _without_other_objects(
        images.read_images(own, text, "measurements", by_file=IMAGE, alike=False)
    )
    table.roles, table.unit_of_length = {"x": x, "y": y}, unit
    ids = table.frame.get(CELL_ID)
    if ids is not None and ids.notna().all():
        table.roles["cell_id"] = CELL_ID
    images.settle_image(table, IMAGES, IMAGE)
    classes = [c for c in CLASSES if c in table.frame and table.frame[c].nunique() > 1]
    if classes:
        table.guessed["label"] = classes[0]
    others = [file for file in files if file not in own]
    return joining.with_others(table, others, images.name_of_cell(table))


def _without_other_objects(table):
    for column in KINDS:
        if column in table.frame:
            kind = table.frame[column].astype(str).str.strip()
            other = kind.str.fullmatch(_OTHER_OBJECT).to_numpy(bool)
            if other.any() and not other.all():
                log.warning(
                    "%s: %d rows that are no cells are left out: %s",
                    table.files(),
                    other.sum(),
                    ", ".join(kind[other].unique()[:5]),
                )
                return table.without(other, "no cell")
    return table
