"""MERSCOPE: ``cell_by_gene`` with the counts of each cell and ``cell_metadata`` with its place."""

import re

from spclust.errors import UserError
from spclust.io import expression, tables

READS = ("tables",)
FOLDER = (("*cell_by_gene*",), ("*cell_metadata*",))
CONTROLS = re.compile(r"(?i)^blank[-_ ]?\d*")
# the first column, which Python's export leaves without a name
_IDS = ("EntityID", "cell", "cell_id", "Unnamed: 0")


def recognises(files):
    return tables.are_tables(files) and all(_parted(files))


def read(files, cfg):
    """Counts of the cells of one region.

    Raises
    ------
    UserError
        When there is not one table of each kind.
    """
    measured, about = _parted(files)
    if len(measured) != 1 or len(about) != 1:
        raise UserError(
            f"{files[0]}: of MERSCOPE one cell_by_gene and one cell_metadata (with center_x, "
            f"center_y) are read, there are {len(measured)} and {len(about)}; make each region a "
            "dataset, and a cohort of them"
        )
    ids = {
        key: [next(c for c in _IDS if c in tables.header(file))]
        for key, (file,) in (("measured", measured), ("about", about))
    }
    columns = ids | {"x": "center_x", "y": "center_y"}
    return expression.read(measured[0], about[0], columns, CONTROLS, "µm", cfg)


def _parted(files):
    """Tables of counts and tables of metadata."""
    parted = [], []
    for file in files:
        names = tables.header_if_any(file)
        if not {*_IDS} & {*names}:
            continue
        if {"center_x", "center_y"} <= {*names} and {"fov", "volume"} & {*names}:
            parted[1].append(file)
        elif "cell_by_gene" in file.name or any(CONTROLS.search(c) for c in names):
            parted[0].append(file)
    return parted
