"""Cell tables of ark (Mesmer): cell_size, channels, the cell's number, its shape, and fov."""

from spclust.io import guess, images, joining, tables

READS = ("tables",)
START, END = "cell_size", "label"  # channels lie between them
IMAGE = "fov"
CLASSES = ("cell_meta_cluster", "cell_cluster")


def recognises(files):
    return bool(_own(files))


def _own(files):
    return [
        file
        for file in tables.with_columns(files, (START, END, IMAGE))
        if (names := tables.header(file)).index(END) - names.index(START) > 2
    ]


def read(files, cfg):
    """Cells of all fields of view; ``label`` is a cell's number there, never a class.

    Raises
    ------
    UserError
        When a column of the format is missing, or tables differ in their channels.
    """
    own = _own(files)
    if not own:
        for key, column in (("proteins", START), ("cell_id", END), ("image", IMAGE)):
            tables.require(column, tables.header(files[0]), key, files[0])
    table = images.read_images(own, [END, IMAGE], "cell_table")
    columns = list(table.frame.columns)
    classes = [c for c in CLASSES if c in columns]
    table.roles = {
        "cell_id": END,
        "image": IMAGE,
        "proteins": columns[columns.index(START) + 1 : columns.index(END)],
        "label": (classes or [guess.label(table.frame.drop(columns=END))])[0],
    }
    # scikit-image counts rows first: centroid-0 is y
    for x, y in (("centroid-1", "centroid-0"), ("centroid_1", "centroid_0")):
        if {x, y} <= set(columns):
            table.roles |= {"x": x, "y": y}
    return joining.with_others(table, [f for f in files if f not in own], [END, IMAGE])
