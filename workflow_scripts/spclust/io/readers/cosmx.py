"""CosMx: a table of expression and a table of metadata, cells named by ``fov`` and ``cell_ID``."""

import re

from spclust.errors import UserError
from spclust.io import expression, tables

READS = ("tables",)
FOLDER = (("*exprmat*",), ("*metadata*",))
CELL = ["fov", "cell_ID"]
CONTROLS = re.compile(r"(?i)^(neg(ative|prb)|systemcontrol|falsecode)")
# what else the folder holds of cells: outlines and transcripts
_OTHERS = {"target", "x_local_px"}


def recognises(files):
    return tables.are_tables(files) and all(_parted(files))


def read(files, cfg):
    """Expression of the cells of one slide; other tables of the folder are passed over.

    Raises
    ------
    UserError
        When there is not one table of each kind.
    """
    measured, about = _parted(files)
    if len(measured) != 1 or len(about) != 1:
        raise UserError(
            f"{files[0]}: of CosMx one table of expression (fov, cell_ID, genes) and one of "
            f"metadata (fov, cell_ID, CenterX_global_px) are read, there are {len(measured)} and "
            f"{len(about)}; make each slide a dataset, and a cohort of them"
        )
    names = tables.header(about[0])
    place = next(p for p in ("Center{}_global_px", "Center{}_local_px") if p.format("X") in names)
    columns = {"measured": CELL, "about": CELL, "x": place.format("X"), "y": place.format("Y")}
    return expression.read(measured[0], about[0], columns, CONTROLS, "px", cfg)


def _parted(files):
    """Tables of expression and tables of metadata."""
    parted = [], []
    for file in files:
        names = set(tables.header_if_any(file))
        if {*CELL} <= names and not _OTHERS & names:
            placed = {"CenterX_global_px", "CenterX_local_px"} & names
            parted[bool(placed)].append(file)
    return parted
