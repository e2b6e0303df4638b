"""How many cells of each type there are in each image, slice and patient."""

import logging

import numpy as np
import pandas as pd

from spclust.analyses.areas import FEWEST, areas
from spclust.analyses.kinds import kinds_of
from spclust.data.cell_files import MICROMETRES
from spclust.errors import UserError

log = logging.getLogger(__name__)

ALL, SHEET, BY_CELLS = "all", "sheet", "cells"
COLUMNS = ["of", "name", "part", "type", "cells", "total", "share", "area", "area_by", "density"]


def analyse(task):
    """Count the task's cells, see :func:`composition`."""
    part = parts(task.imported, task.ids, task.settings["part"]) if task.settings["part"] else None
    return {"composition.csv": composition(task.cells, kinds_of(task), task.samples, part)}


def parts(data, ids, column):
    """Part of the tissue of each cell, array of str (n,), by a column of the imported cells."""
    frames = [data.obs, *(part.obs for part in data.mod.values())]
    found = next((frame[column] for frame in frames if column in frame), None)
    if found is None:
        text = [str(c) for f in frames for c in f if not pd.api.types.is_numeric_dtype(f[c])]
        raise UserError(
            f"analyses.composition: part: the cells have no column {column!r}; columns of text "
            f"are {', '.join(dict.fromkeys(text)) or 'none'}"
        )
    found = found.reindex(ids).astype(object)
    return found.where(found.notna(), "none").astype(str).to_numpy(dtype=object)


def composition(cells, kinds, samples=None, part=None):
    """Share and density of each kind of cell.

    Parameters
    ----------
    cells : Cells, n of them
    kinds : Kinds
    samples : DataFrame, optional
        What a sheet says of the images: ``area`` in mm² and ``patient``, where it has them.
    part : array of str, shape (n,), optional
        Parts of the tissue, which are counted beside all of it.

    Returns
    -------
    DataFrame
        Columns as the card says; every kind in every place, in the order of ``kinds.names``.
    """
    counts = _of_images(cells, kinds, part)
    size = _areas(cells, samples, part)
    if size["area"].isna().any():
        why = f"fewer than {FEWEST} cells" if cells.unit == MICROMETRES else "places are not in µm"
        log.info("%d of %d areas are not known: %s", size["area"].isna().sum(), len(size), why)
    images = counts.index.get_level_values("image")
    places = levels(cells, samples)
    tables = [
        _of_level(level, images.map(name_of), counts, size, kinds)
        for level, name_of in places.items()
    ]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def levels(cells, samples=None):
    """What counts are told for: images, slices and, where a sheet names them, patients.

    Returns
    -------
    dict of str to dict of str to str
        Level to the image's part in it; missing where an image has no patient.
    """
    slice_of = dict(zip(cells.image, cells.slice))
    found = {"image": {image: image for image in slice_of}, "slice": slice_of}
    if samples is not None and "patient" in samples:
        of_sheet = samples.set_index("image")["patient"].to_dict()
        found["patient"] = {image: of_sheet.get(image) for image in slice_of}
        without = sorted(i for i, patient in found["patient"].items() if pd.isna(patient))
        if without:
            log.warning(
                "%d of %d images have no patient in the sheet of samples, e.g. %s",
                len(without),
                len(slice_of),
                without[0],
            )
    return found


def _of_images(cells, kinds, part):
    """Cells of each kind, all and those with a place, in each image and part of it."""
    table = pd.DataFrame({"image": cells.image, "kind": kinds.codes, "placed": cells.placed})
    tables = [table.assign(part=ALL)] + ([table.assign(part=part)] if part is not None else [])
    grouped = pd.concat(tables).groupby(["image", "part", "kind"])["placed"]
    counts = grouped.agg(cells="size", placed="sum").unstack("kind", fill_value=0)
    columns = pd.MultiIndex.from_product([["cells", "placed"], range(len(kinds))])
    return counts.reindex(columns=columns, fill_value=0)


def _areas(cells, samples, part):
    """``area`` in mm² and ``area_by`` of each image and part of it."""
    table = pd.DataFrame({"image": cells.image, "row": np.arange(len(cells))})
    tables = [table.assign(part=ALL)] + ([table.assign(part=part)] if part is not None else [])
    sheet = {}
    if samples is not None and "area" in samples:
        sheet = samples.set_index("image")["area"].dropna().to_dict()
    found = {}
    for (image, name), rows in pd.concat(tables).groupby(["image", "part"])["row"]:
        if name == ALL and image in sheet:
            found[image, name] = sheet[image], SHEET
            continue
        rows = rows.to_numpy()
        known = cells.unit == MICROMETRES
        places = np.asarray(cells.coordinates[rows[cells.placed[rows]]], dtype=np.float64)
        found[image, name] = areas(places)[1] / 1e6 if known else np.nan, BY_CELLS
    index = pd.MultiIndex.from_tuples(found, names=["image", "part"])
    return pd.DataFrame(found.values(), index, columns=["area", "area_by"])


def _of_level(level, names, counts, size, kinds):
    """Rows of all places of a level, of which several images may be one."""
    by = [pd.Index(names, name="name"), counts.index.get_level_values("part")]
    summed = counts.groupby(by).sum()
    size = size.reindex(counts.index)
    area = size["area"].groupby(by).agg(lambda own: own.sum(skipna=False))
    area_by = size["area_by"].groupby(by).agg(lambda own: "; ".join(sorted(set(own))))
    number, placed = summed["cells"].to_numpy(), summed["placed"].to_numpy()
    counted = np.where((area_by == SHEET).to_numpy()[:, None], number, placed)
    total = number.sum(axis=1, keepdims=True)
    k, m = len(kinds), len(summed)

    def each(values):
        return np.repeat(np.asarray(values), k)

    return pd.DataFrame(
        {
            "of": level,
            "name": each(summed.index.get_level_values("name")),
            "part": each(summed.index.get_level_values("part")),
            "type": np.tile(np.array(kinds.names, dtype=object), m),
            "cells": number.ravel(),
            "total": each(total.ravel()),
            "share": (number / total).ravel().round(6),
            "area": each(area.round(6)),
            "area_by": each(area_by.where(area.notna())),
            "density": (counted / area.to_numpy()[:, None]).ravel().round(3),
        }
    )
