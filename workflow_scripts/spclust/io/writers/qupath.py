"""What cells are called, for QuPath: classes by the ids of its objects, points for its viewer."""

import json
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# points of more cells in one image make QuPath slow, and the file large
MOST_POINTS = 50_000

_SCRIPT = """\
// Gives the objects of the open image the classes that stand in classes.csv. QuPath 0.5 and later:
// Automate > Script editor, open this file, Run (Run for project asks for the file each time, so
// write its path into the next line).
import qupath.fx.dialogs.FileChoosers
import qupath.lib.objects.classes.PathClass

def path = ""
def colours = COLOURS

def file = path ? new File(path) : FileChoosers.promptForFile("Choose classes.csv")
if (file == null)
    return
def classes = [:]
file.readLines("UTF-8").drop(1).each { line ->
    def (id, name) = line.split(",", 2)
    classes[id.toLowerCase()] = name.startsWith('"') ? name[1..-2].replace('""', '"') : name
}
def pathClasses = colours.collectEntries { name, rgb ->
    def pathClass = PathClass.fromString(name)
    pathClass.setColor(rgb[0], rgb[1], rgb[2])
    [name, pathClass]
}
def found = getCurrentHierarchy().getAllObjects(false).findAll {
    classes.containsKey(it.getID().toString())
}
found.each { it.setPathClass(pathClasses[classes[it.getID().toString()]]) }
fireHierarchyUpdate()
println "${found.size()} objects of this image have a class now, of ${classes.size()} in the file"
"""


def are_of_qupath(ids):
    """Whether ids of cells are those that QuPath gives its objects.

    Parameters
    ----------
    ids : Series of str

    Returns
    -------
    bool
    """
    return ids.notna().all() and ids.str.fullmatch(ID).all()


def class_name(name):
    """A name as QuPath takes it: a colon would make it two."""
    return re.sub(r"\s*[:\n]\s*", " ", name)


def files(rows, names, colours, pixel_size=None):
    """What QuPath opens.

    Parameters
    ----------
    rows : DataFrame, shape (n, ...)
        Rows that became cells, see :mod:`spclust.io.rows`, in the order of ``names``.
    names : array of str, shape (n,)
        What each cell is called.
    colours : dict of str to str
        Hex colour of each name.
    pixel_size : float, optional
        µm per pixel of the images, for coordinates in µm.

    Returns
    -------
    dict of str to DataFrame or str
        ``classes.csv`` (``Object ID``, ``Class``), ``classes.groovy``, the script that applies it,
        and ``<image>.geojson`` where an image has few enough cells and places in pixels.
    """
    names = pd.Series(names, index=rows.index).map(class_name)
    rgb = {class_name(name): _rgb(colour) for name, colour in colours.items()}
    # in single quotes Groovy fills nothing in
    entries = [
        "'" + name.replace("\\", "\\\\").replace("'", "\\'") + f"': {value}"
        for name, value in rgb.items()
    ]
    script = _SCRIPT.replace("COLOURS", "[\n    " + ",\n    ".join(entries) + ",\n]")
    found = {
        "classes.csv": pd.DataFrame({"Object ID": rows["id"], "Class": names}),
        "classes.groovy": script,
    }
    return found | _points(rows, names, rgb, pixel_size)


def _points(rows, names, rgb, pixel_size):
    """GeoJSON of each image by the name of its file."""
    places, found = _in_pixels(rows, pixel_size), {}
    stems = rows["file"].map(lambda file: Path(file).stem)
    # images of two files may have one name
    for (_, image), own in rows.groupby(["file", rows["image"].fillna(stems)], sort=False):
        at = places.loc[own.index].dropna()
        if not len(at) or len(own) > MOST_POINTS:
            log.info(
                "%s: %d cells, %d with a place in pixels: no GeoJSON", image, len(own), len(at)
            )
            continue
        features = [
            {
                "type": "Feature",
                "id": id_,
                "geometry": {"type": "Point", "coordinates": [x, y]},
                "properties": {
                    "objectType": "detection",
                    "classification": {"name": name, "color": rgb[name]},
                },
            }
            for id_, x, y, name in zip(rows["id"][at.index], at["x"], at["y"], names[at.index])
        ]
        name = re.sub(r"[^\w.-]+", "_", image)
        while f"{name}.geojson" in found:
            name += "_"
        found[f"{name}.geojson"] = json.dumps({"type": "FeatureCollection", "features": features})
    return found


def _in_pixels(rows, pixel_size):
    """Places of the cells in pixels, missing where the size of pixels lacks for it."""
    places = rows[["x", "y"]].apply(pd.to_numeric, errors="coerce")
    micrometres = (rows["unit"] == "µm").to_numpy()
    if micrometres.any() and pixel_size is None:
        log.info(
            "x and y are in µm and GeoJSON is in pixels; for points beside classes.csv write  "
            "analyses: {annotation: {default: {pixel_size: 0.5}}}  with the size of the images' "
            "pixels in µm"
        )
    factor = float("nan") if pixel_size is None else 1 / pixel_size
    return places.mul(np.where(micrometres, factor, 1), axis=0)


def _rgb(colour):
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
