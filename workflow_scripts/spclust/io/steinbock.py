"""The folder that steinbock writes: per image, one table of intensities and one of region props."""

from pathlib import Path

from spclust.errors import UserError
from spclust.io import tables

IMAGE = "steinbock_image"


def is_steinbock(files):
    """Whether the files lie in folders as steinbock names them."""
    return {"intensities", "regionprops"} <= {Path(file).parent.name for file in files}


def read(files):
    """Read all images of a steinbock folder.

    Parameters
    ----------
    files : list of path
        Tables of the folder; others than those of ``intensities/`` and ``regionprops/`` are
        passed over (the panel is in the intensities already).

    Returns
    -------
    (Table, dict)
        One row a cell, and the column of each role. Cells of all images are numbered from 1;
        ids start anew in each image.

    Raises
    ------
    UserError
        When an image lacks one of its two tables, or images differ in their channels.
    """
    groups = {
        name: {Path(f).stem: f for f in sorted(files) if Path(f).parent.name == name}
        for name in ("intensities", "regionprops")
    }
    intensities, regionprops = groups.values()
    lone = sorted(set(intensities) ^ set(regionprops))
    if lone or not intensities:
        raise UserError(
            f"{Path(files[0]).parents[1]}: a steinbock folder holds, for each image, a table of "
            f"the same name in intensities/ and in regionprops/; {', '.join(lone[:5]) or 'none'} "
            f"{'lacks' if len(lone) == 1 else 'lack'} one. Run `steinbock measure` again"
        )
    parts = []
    for image, file in intensities.items():
        measured = tables.read(file, text=["Object"], key="intensities")
        shapes = tables.read(regionprops[image], text=["Object"], key="regionprops")
        for part in (measured, shapes):
            tables.require("Object", part.frame.columns, "cell_id", part.files())
            tables.clean_text(part, "Object", "cell_id")
        part = tables.join([measured, shapes], ["Object"])
        part.frame[IMAGE] = image
        part.origin[IMAGE] = "intensities"
        parts.append(part)
    table = tables.stack(parts)
    proteins = [c for c in measured.frame.columns if c != "Object"]
    roles = {"cell_id": "Object", "image": IMAGE, "x": "centroid-1", "y": "centroid-0"}
    for axis in "xy":
        tables.require(roles[axis], table.frame.columns, axis, table.files())
    return table, roles | {"proteins": proteins}
