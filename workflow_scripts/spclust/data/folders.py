"""Which files of a folder hold cells.

Imported by Snakemake itself, so it may use the standard library only.
"""

import os
from pathlib import Path

from spclust.data import first_bytes, formats
from spclust.errors import UserError

STORE = ("zarr.json", ".zgroup")  # one of them makes a folder a Zarr group, of format 3 or 2
TABLES = ("tables", "table")  # where a SpatialData store has its AnnData, once in `table`


def is_store(folder):
    """Whether a folder is a Zarr group."""
    return any((folder / name).is_file() for name in STORE)


def _is_shown(path):
    # what macOS and Jupyter put beside tables begins with a point
    return not any(part.startswith(".") for part in path.parts)


def of_cells(folder):
    """Files of a folder that hold cells.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        All tables but hidden ones, or those that a program's reader takes of its folder; of a Zarr
        store all files, of one of SpatialData those of its tables.

    Raises
    ------
    UserError
        When there is none, with what to do with what there is.
    """
    if not is_store(folder):
        inside = sorted(path for path in folder.rglob("*") if _is_shown(path.relative_to(folder)))
        inside = [path for path in inside if path.is_file()]
        found = formats.of_one_program(inside) or list(filter(formats.is_table, inside))
        return found or _refuse(folder, inside)
    tables = (folder / name for name in TABLES if (folder / name).is_dir())
    inside = next(tables, folder).rglob("*")
    return sorted(path for path in inside if path.is_file())


def _refuse(folder, inside):
    for path in (path for path in inside[:20] if os.access(path, os.R_OK)):
        first_bytes.of(path)  # says of what is never read what to export instead
    named = f"; name one of its files, as  path: {inside[0]}" if inside else ""
    raise UserError(
        f"{folder}: the folder holds no table (.csv, .tsv, .txt, .parquet, .xlsx){named}, or "
        "correct `path` of the dataset"
    )


def stores_whole(files):
    """Files as they are; where they are those of a Zarr store, the one folder that holds them."""
    if not any(file.name in STORE for file in files):
        return files
    return [Path(os.path.commonpath([file.parent for file in files]))]
