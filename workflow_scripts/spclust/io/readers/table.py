"""Text tables, optionally gzipped: one of all cells, one an image, or several of the same cells."""

import logging

import numpy as np

from spclust.errors import UserError
from spclust.io import guess, images, joining, roles, tables

log = logging.getLogger(__name__)

READS = ("tables",)
PRIORITY = 2


def read(files, cfg):
    """Tables of one header are images, one below the other; others are joined by the cell's name.

    Raises
    ------
    UserError
        When tables of different columns share no column of cell ids, or no cell, or when tables
        of one header are of the same cells.
    """
    files = _of_cells(files, cfg)
    by_columns = {}
    for file in files:
        by_columns.setdefault(frozenset(tables.header(file)), []).append(file)
    common = [c for c in tables.header(files[0]) if all(c in names for names in by_columns)]
    cell_id = cfg.get("cell_id") or guess.cell_id(common)
    if cell_id is None and len(by_columns) > 1:
        raise UserError(
            f"{', '.join(map(str, files))}: the files share no column of cell ids by which they "
            "could be joined; name it as  cell_id:  of the dataset. They share: "
            f"{', '.join(common) or 'no column'}"
        )
    parts = [_images(group, cell_id, cfg) for group in by_columns.values()]
    table = parts[0]
    if len(parts) > 1:
        image = cfg["image"] if "image" in cfg else _image(table, common)
        if image is None and all(images.BY_FILE in part.frame for part in parts):
            image = images.BY_FILE
        # ids may start anew in each image
        on = [cell_id] + [image] * all(image in part.frame for part in parts)
        for part in parts:
            for column, key in zip(on, ("cell_id", "image")):
                tables.clean_text(part, column, key)
        table = joining.join(parts, on)
    if cell_id is not None and "cell_id" not in cfg:
        table.guessed["cell_id"] = cell_id
    return table


def _of_cells(files, cfg):
    """Files without those that name and place no cell: panels, notes, tables of images."""
    if len(files) == 1:
        return files
    named = {cfg.get("cell_id"), cfg.get("x")} - {None}

    def of_cells(file):
        # what is no table may be passed over where it is named like a note
        own = tables.header_if_any if file.suffix.lower() == ".txt" else tables.header
        names = own(file)
        known = guess.cell_id(names) is not None or guess.coordinates(names)[0] is not None
        return known or bool(named & set(names))

    kept = [file for file in files if of_cells(file)]
    if kept and len(kept) < len(files):
        log.warning(
            "passed over, as no column names or places cells: %s",
            ", ".join(str(file) for file in files if file not in kept),
        )
    return kept or files


def _image(table, columns):
    return guess.image(table.frame[columns])


def _images(files, cell_id, cfg):
    """Tables of one header as one, the image of each cell in a column."""
    columns = tables.header(files[0])
    if cell_id is not None:
        tables.require(cell_id, columns, "cell_id", files[0])
    text = {c for c in columns if guess.is_text(c)} | {cell_id, cfg.get("image")}
    text &= set(columns)
    if len(files) == 1:
        table = tables.read(files[0], text=text)
        roles.refuse_long(table)
        return table
    own = images.BY_FILE
    table = images.read_images(files, text, str(files[0]), by_file=own)
    _refuse_same_cells(table, files, cell_id)
    image = cfg["image"] if "image" in cfg else _image(table, columns)
    if image == own or image is not None and image not in columns:
        return table
    if "image" not in cfg and image is None:
        image = own
        table.guessed["image"] = own
    elif image is not None:
        frame = table.frame
        # images may be numbered anew in each file
        if cell_id is None:
            anew = (frame.groupby(image)[own].nunique() > 1).any()
        else:
            anew = frame.duplicated([image, cell_id]).any()
        if anew:
            frame[own] = frame[own] + "_" + frame[image].astype(str)
            image = own
            table.guessed["image"] = own
    if image != own:
        table.frame = table.frame.drop(columns=own)
        del table.origin[own]
        return table
    log.warning(
        "%d tables of one header are taken for images, named by their files: %s",
        len(files),
        ", ".join(table.frame[own].unique()[:10]),
    )
    return table


def _refuse_same_cells(table, files, cell_id):
    """Refuse tables of one header that hold the same ids at the same places."""
    frame = table.frame
    x, y = guess.coordinates([c for c in frame.columns if c != cell_id])
    if cell_id is None or x is None:
        return
    of_each = [
        part[[cell_id, x, y]].to_numpy() for _, part in frame.groupby(images.BY_FILE, sort=False)
    ]
    first, *others = of_each
    if any(len(o) == len(first) and np.array_equal(o, first) for o in others):
        raise UserError(
            f"{', '.join(map(str, files[:4]))}: these tables hold the same cells at the same "
            f"places, measured in two ways; name one of them, e.g.  path: {files[0]}"
        )
