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
    parts = [_of_all_images(list(group.values()), name) for name, group in groups.items()]
    channels = [c for c in parts[0].frame.columns if c not in ("Object", IMAGE)]
    table = joining.join(parts, [IMAGE, "Object"])
    roles = {"cell_id": "Object", "image": IMAGE, "x": "centroid-1", "y": "centroid-0"}
    for axis in "xy":
        tables.require(roles[axis], table.frame.columns, axis, table.files())
    table.roles = roles | {"proteins": channels}
    return table


def _of_all_images(files, key):
    table = images.read_images(files, ["Object"], key, by_file=IMAGE)
    if len(files) == 1:
        table.add(IMAGE, files[0].stem, like=table.frame.columns[0])
    tables.require("Object", table.frame.columns, "cell_id", table.files())
    tables.clean_text(table, "Object", "cell_id")
    return table
