"""Tables in text, parquet, feather or Excel: one of all cells, or several joined on the cell id."""

from spclust.errors import UserError
from spclust.io import guess, tables

READS = ("tables",)
PRIORITY = 2


def read(files, cfg):
    """Several tables are joined by the columns that name a cell.

    Raises
    ------
    UserError
        When the tables share no column of cell ids, or no cell.
    """
    headers = [tables.header(file) for file in files]
    common = [c for c in headers[0] if all(c in names for names in headers)]
    cell_id = cfg.get("cell_id") or guess.cell_id(common)
    if cell_id is None and len(files) > 1:
        raise UserError(
            f"{', '.join(map(str, files))}: the files share no column of cell ids by which they "
            "could be joined; name it as  cell_id:  of the dataset. They share: "
            f"{', '.join(common) or 'no column'}"
        )
    parts = []
    for file, names in zip(files, headers):
        if cell_id is not None:
            tables.require(cell_id, names, "cell_id", file)
        text = {c for c in names if guess.is_text(c)} | {cell_id, cfg.get("image")}
        parts.append(tables.read(file, text=text & set(names)))
    table = parts[0]
    if len(parts) > 1:
        image = cfg["image"] if "image" in cfg else guess.image(table.frame[common])
        # ids may start anew in each image
        on = [cell_id] + ([image] if image in common else [])
        for part in parts:
            for column, key in zip(on, ("cell_id", "image")):
                tables.clean_text(part, column, key)
        table = tables.join(parts, on)
    if cell_id is not None and "cell_id" not in cfg:
        table.guessed = {"cell_id": cell_id}
    return table
