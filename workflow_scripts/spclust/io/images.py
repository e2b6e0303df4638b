"""Images of tables: one a file, one a value of a column, or both."""

import logging
from pathlib import Path

import pandas as pd

from spclust.data import formats
from spclust.io import joining, tables

log = logging.getLogger(__name__)

BY_FILE = "image_file"  # column of images that are told apart by their files only


def image_names(files):
    """Names for the images of files: of the file, of its folder, or of both.

    Parameters
    ----------
    files : list of Path

    Returns
    -------
    list of str
        All different: ``TMA7.core1`` of ``TMA7.core1.csv``, ``s1`` of ``s1/cell.csv``.
    """
    parts = [(*file.parts[:-1], formats.stem(file)) for file in map(Path, files)]
    folder = [part[-2] if len(part) > 1 else "" for part in parts]
    depth = max(map(len, parts))
    ways = [[p[-1] for p in parts], folder]
    ways += [["_".join(p[-n:]) for p in parts] for n in range(2, depth + 1)]
    return next((names for names in ways if len(set(names)) == len(files)), [*map(str, files)])


def read_images(files, text=(), key="cells", by_file=None, alike=True):
    """Tables of one program, one below the other; those without cells are left out, and said.

    Parameters
    ----------
    files : list of Path
    text : iterable of str
        Columns kept as text.
    key : str
        Group of files they make up together.
    by_file : str, optional
        Column that gets the name of each file's image where there are several files.
    alike : bool
        Whether all must have the same columns.

    Returns
    -------
    Table

    Raises
    ------
    UserError
        When none holds cells.
    """
    parts, without = [], []
    for file, name in zip(files, image_names(files)):
        try:
            part = tables.read(file, text=text, key=key)
        except tables.NoCells as error:
            without.append((name, error))
            continue
        if by_file and len(files) > 1:
            part.add(by_file, name, like=part.frame.columns[0])
        parts.append(part)
    if not parts:
        raise without[0][1]
    leave_out(without)
    return joining.stack(parts, alike) if len(parts) > 1 else parts[0]


def settle_image(table, columns, by_file, region=None):
    """Set the column of images among the roles of a program's table.

    Parameters
    ----------
    table : Table
        With ``roles`` but that of the image; loses the column ``by_file`` where it is not needed.
    columns : sequence of str
        Columns of the program that name images, the first that is there counts.
    by_file : str
        Column that says which file a cell is from, where there are several.
    region : str, optional
        Column of regions, in which ids may start anew within an image.
    """
    frame, cell_id = table.frame, table.roles.get("cell_id")
    image = next((c for c in columns if c in frame and frame[c].notna().all()), None)
    if image is not None and cell_id is not None:
        anew = frame.duplicated([image, cell_id]).any()
        finer = [c for c in (by_file, region) if c in frame and frame[c].notna().all()]
        for column in finer if anew else ():
            names = frame[image].astype(str) + "_" + frame[column].astype(str)
            if not pd.DataFrame({"image": names, "id": frame[cell_id]}).duplicated().any():
                log.warning(
                    "%s: cell ids start anew within images (%r), so each part by %r is an image",
                    table.files(),
                    image,
                    column,
                )
                table.add(by_file, names, like=image)
                table.roles["image"] = by_file
                return
    if image is None and by_file in frame:
        image = by_file
    elif by_file in frame:
        table.frame = frame.drop(columns=by_file)
        del table.origin[by_file]
    if image is not None:
        table.roles["image"] = image


def name_of_cell(table):
    """Columns that name a cell: of its id and, where there is one, of its image."""
    return [table.roles[key] for key in ("cell_id", "image") if key in table.roles]


def leave_out(without):
    """Say which images have no cells."""
    if without:
        names = ", ".join(str(name) for name, _ in without[:10])
        log.warning(
            "%d image%s left out, without cells: %s%s",
            len(without),
            " is" if len(without) == 1 else "s are",
            names,
            ", ..." if len(without) > 10 else "",
        )
