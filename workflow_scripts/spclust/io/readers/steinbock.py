"""The folder that steinbock writes: per image, one table of intensities and one of region props."""

from spclust.errors import UserError
from spclust.io import images, joining, tables

READS = ("intensities/*.csv", "regionprops/*.csv")
IMAGE = "steinbock_image"


def recognises(files):
    return {"intensities", "regionprops"} <= {file.parent.name for file in files}


def read(files, cfg):
    """All images of the folder; ids start anew in each.

    Tables other than those of ``intensities/`` and ``regionprops/`` are passed over (the panel is
    in the intensities already).

    Raises
    ------
    UserError
        When an image lacks one of its two tables, or images differ in their channels.
    """
    groups = {
        name: {f.stem: f for f in sorted(files) if f.parent.name == name}
        for name in ("intensities", "regionprops")
    }
    intensities, regionprops = groups.values()
    lone = sorted(set(intensities) ^ set(regionprops))
    if lone or not intensities:
        raise UserError(
            f"{files[0].parents[1]}: a steinbock folder holds, for each image, a table of "
            f"the same name in intensities/ and in regionprops/; {', '.join(lone[:5]) or 'none'} "
            f"{'lacks' if len(lone) == 1 else 'lack'} one. Run `steinbock measure` again"
        )
    parts, without = [], []
    for image, file in intensities.items():
        try:
            measured = tables.read(file, text=["Object"], key="intensities")
            shapes = tables.read(regionprops[image], text=["Object"], key="regionprops")
        except tables.NoCells as error:
            without.append((image, error))
            continue
        for part in (measured, shapes):
            tables.require("Object", part.frame.columns, "cell_id", part.files())
            tables.clean_text(part, "Object", "cell_id")
        channels = [c for c in measured.frame.columns if c != "Object"]
        part = joining.join([measured, shapes], ["Object"])
        part.add(IMAGE, image, like="Object")
        parts.append(part)
    if not parts:
        raise without[0][1]
    images.leave_out(without)
    table = joining.stack(parts)
    roles = {"cell_id": "Object", "image": IMAGE, "x": "centroid-1", "y": "centroid-0"}
    for axis in "xy":
        tables.require(roles[axis], table.frame.columns, axis, table.files())
    table.roles = roles | {"proteins": channels}
    return table
