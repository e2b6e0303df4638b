"""Tables of the CODEX processor, CellSeg and SPACEc: cell_id:cell_id, x:x, cyc001_ch002:CD45.

And two that papers on CODEX publish: X.X, Y.Y of Goltsev, and X_cent, Y_cent of MAPS.
"""

import re

from spclust.io import images, joining, tables

READS = ("tables",)
PLACES = (("x:x", "y:y"), ("X.X", "Y.Y"), ("X_cent", "Y_cent"))
CELL_ID = ("cell_id:cell_id", "cellLabel", "CellID")
REGION = "region:region"
IMAGE = "region_file"
# `cyc001_ch002:CD45`, and `CD45:Cyc_1_ch_2` of the processor's later versions
_MARKER = re.compile(r"(?i)cyc_?\d+_ch_?\d+:.+|.+:cyc_?\d+_ch_?\d+")


def recognises(files):
    return bool(_own(files)[0])


def _own(files):
    for places in PLACES:
        own = tables.with_columns(files, places)
        if own:
            return own, places
    return [], PLACES[0]


def read(files, cfg):
    """One table a region, in which ids start anew, or one of several regions.

    Raises
    ------
    UserError
        When a column of the format is missing, or tables differ in their channels.
    """
    own, (x, y) = _own(files)
    if not own:
        tables.require(x, tables.header(files[0]), "x", files[0])
    table = images.read_images(own, [*CELL_ID, REGION], "regions", by_file=IMAGE)
    frame = table.frame
    cell_id = [c for c in CELL_ID if c in frame]
    table.roles = {"x": x, "y": y, "cell_id": (cell_id or [None])[0]}
    if REGION in frame:
        tables.clean_text(table, REGION, "image")
        table.roles["image"] = REGION
    if IMAGE in frame:
        # a number of a region may stand for one of each slide
        if REGION not in frame or (frame.groupby(REGION)[IMAGE].nunique() > 1).any():
            table.roles["image"] = IMAGE
    markers = [c for c in frame.columns if _MARKER.fullmatch(c)]
    if markers:
        table.roles["proteins"] = markers
    on = [table.roles[key] for key in ("cell_id", "image") if table.roles.get(key)]
    return joining.with_others(table, [f for f in files if f not in own], cell_id and on)
