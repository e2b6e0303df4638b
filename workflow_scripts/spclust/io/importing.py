"""A slice of any supported format into one AnnData shape.

A slice of your own takes a configuration file of at most five lines, of which the last three are
needed only where the guess is wrong::

    datasets:
      - name: my_slice
        path: cells.csv
        label: cell_type
        image: sample

Formats: an h5ad file; one CSV or TSV table of all cells, optionally gzipped; several such tables
joined on the cell id; mcmicro quantification tables (several are several images); the folder
that steinbock writes.
"""

import json
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.contracts import IMAGE, LABEL, PARENTS, PSEUDOLABEL, SPATIAL, SYNTHETIC
from spclust.errors import UserError
from spclust.io import guess, h5ad, labels, steinbock, tables

log = logging.getLogger(__name__)

# names this workflow gives columns of obs, and one that h5ad keeps for itself
_RESERVED = (IMAGE, LABEL, PSEUDOLABEL, SYNTHETIC, *PARENTS, "_index")


def import_cells(paths, cfg):
    """Read one slice and check it.

    Everything else an h5ad file holds (layers, obsm, obsp, uns, raw) is kept: the export stage
    hands it back with the clusters added.

    Parameters
    ----------
    paths : list of path
        Files, or folders of CSV tables.
    cfg : dict
        Keys of a dataset (config/schemas/dataset.schema.yaml), all optional: ``format, cell_id,
        x, y, image, label, proteins, exclude_proteins, ignore_labels, min_label_size,
        drop_unscored``. What is left out is guessed from column names; the guess is logged with
        the lines that fix it. None as ``image`` or ``label`` means there is none.

    Returns
    -------
    AnnData
        ``X`` float32 as measured, ``obs['image']``, ``obs['label']`` where there is a label
        column (missing where a cell is not scored), ``obsm['spatial']`` float32 (cells, 2).
        Columns of obs that bear a name of this workflow are kept as ``<name>_original``.

    Raises
    ------
    UserError
        With file, row and column of what is wrong, and the remedy.
    """
    files = _files(paths)
    kind = cfg.get("format") or _format(files)
    log.info("reading %d %s: %s", len(files), kind, ", ".join(map(str, files[:5])))
    if kind == "h5ad":
        if len(files) > 1:
            raise UserError(f"{files[1]}: one h5ad file a dataset; make {files[0]} another dataset")
        cells, roles, guessed = _from_h5ad(files[0], cfg)
    else:
        cells, roles, guessed = _from_tables(files, kind, cfg)
    if guessed:
        lines = "".join(f"\n    {key}: {json.dumps(v, ensure_ascii=False)}" for key, v in guessed.items())
        log.warning(
            "%s: judged by their names, columns are taken as below. Right? Paste this into the "
            "dataset's entry; wrong? Change it there:%s", cfg.get("name", files[0]), lines,
        )  # fmt: skip
    return _finish(cells, roles, cfg, files[0])


def _files(paths):
    files = []
    for path in map(Path, paths):
        inside = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"{path}: the folder holds no .csv table; check `path` of the dataset")
        files += inside
    return files


def _format(files):
    if steinbock.is_steinbock(files):
        return "steinbock"
    names = [file.name.lower() for file in files]
    if all(name.endswith((".h5ad", ".h5")) for name in names):
        return "h5ad"
    odd = [f for f, n in zip(files, names) if not re.search(r"\.(csv|tsv|txt)(\.gz)?$", n)]
    if odd:
        raise UserError(
            f"{odd[0]}: the format is not clear from the file's name; write e.g.  format: table  "
            "(or h5ad, mcmicro, steinbock) in the dataset's entry"
        )
    mcmicro = {"CellID", "X_centroid", "Y_centroid"}
    return "mcmicro" if all(mcmicro <= set(tables.header(f)) for f in files) else "table"


def _from_h5ad(path, cfg):
    cells = h5ad.read(path)
    proteins, guessed = _proteins(cells.var_names, cfg, path, lambda: list(cells.var_names))
    # what a guess leaves alone needs no line in the config
    guessed = guessed if len(proteins) < cells.n_vars else {}
    cells = cells[:, proteins].copy() if len(proteins) < cells.n_vars else cells
    h5ad.check_matrix(cells, path)
    cells.obsm[SPATIAL], found = h5ad.coordinates(cells, cfg, path)
    table = h5ad.obs_table(cells.obs, path)
    roles, more = _groups(table, cfg, path)
    if cfg.get("cell_id") is None:
        table.frame["obs_names"], table.origin["obs_names"] = cells.obs_names.to_numpy(), "obs"
    else:
        tables.require(cfg["cell_id"], table.frame.columns, "cell_id", f"{path}, obs")
    cells.obs_names = _cell_names(table, cfg.get("cell_id") or "obs_names", roles["image"])
    return cells, roles, found | more | guessed


def _from_tables(files, kind, cfg):
    import anndata

    given, guessed = {}, {}
    if kind == "steinbock":
        table, given = steinbock.read(files)
    elif kind == "mcmicro":
        table, given = _mcmicro(files)
    else:
        table, given, guessed = _joined(files, cfg)
    source = table.files()
    cfg = given | {key: value for key, value in cfg.items() if value is not None or key in NULLABLE}
    roles, more = _groups(table, cfg, source)
    columns = list(table.frame.columns)
    x, y = cfg.get("x"), cfg.get("y")
    if x is None and y is None:
        x, y = guess.coordinates(columns)
        more |= {"x": x, "y": y}
    if x is None or y is None:
        raise UserError(
            f"{source}: no two columns are given or look like coordinates; name them as  x:  and  "
            f"y:  of the dataset. Columns are: {', '.join(columns)}"
        )
    for key, column in zip("xy", (x, y)):
        tables.require(column, columns, key, source)
    taken = {x, y, cfg.get("cell_id"), roles["image"], roles["label"]}
    proteins, found = _proteins(
        [c for c in columns if c not in taken], cfg, source,
        lambda: given.get("proteins") or guess.proteins(table.frame, taken),
    )  # fmt: skip
    numbers = partial(tables.numbers, table.frame, place=table.place)
    spatial = numbers([x, y], remedy="fill it in or remove the cell")
    remedy = "correct it, remove the cell, or leave the column out with `exclude_proteins`"
    names = guess.short_names(proteins)
    cells = anndata.AnnData(
        numbers(proteins, remedy=remedy),
        obs=table.frame.drop(columns=[*proteins, x, y]).set_axis(
            _cell_names(table, cfg.get("cell_id"), roles["image"])
        ),
        var=pd.DataFrame({"column": proteins}, index=names),
        obsm={SPATIAL: spatial},
    )
    return cells, roles, guessed | more | found


def _joined(files, cfg):
    """Read and join the tables of one slice; the columns that name a cell are found."""
    headers = [tables.header(file) for file in files]
    cell_id, guessed = cfg.get("cell_id"), {}
    if cell_id is None:
        common = [c for c in headers[0] if all(c in names for names in headers)]
        cell_id = guess.cell_id(common)
        guessed = {} if cell_id is None else {"cell_id": cell_id}
        if cell_id is None and len(files) > 1:
            raise UserError(
                f"{', '.join(map(str, files))}: no column of cell ids is common to these files, by "
                "which they could be joined; name it as  cell_id:  of the dataset. Columns they "
                f"share: {', '.join(common) or 'none'}"
            )
    parts = []
    for file, names in zip(files, headers):
        if cell_id is not None:
            tables.require(cell_id, names, "cell_id", file)
        text = {c for c in names if guess.is_text(c)} | {cell_id, cfg.get("image")}
        parts.append(tables.read(file, text=text & set(names)))
        if cell_id is not None:
            tables.clean_text(parts[-1], cell_id, "cell_id")
    if len(parts) == 1:
        return parts[0], {"cell_id": cell_id}, guessed
    # ids may start anew in each image
    image = cfg["image"] if "image" in cfg else guess.image(parts[0].frame)
    on = [cell_id] + [image] * all(image in names for names in headers)
    return tables.join(parts, on), {"cell_id": cell_id}, guessed


def _mcmicro(files):
    """Read quantification tables of mcmicro, each one image: CellID, markers, place and shape."""
    parts = []
    for file in files:
        part = tables.read(file, text=["CellID"])
        for key, column in MCMICRO.items():
            tables.require(column, part.frame.columns, key, file)
        if len(files) > 1:
            part = tables.read(file, text=["CellID"], key="quantification")
            part.frame["mcmicro_image"] = file.name.split(".")[0]
            part.origin["mcmicro_image"] = "quantification"
        parts.append(part)
    columns = list(parts[0].frame.columns)
    markers = [c for c in columns[: columns.index(MCMICRO["x"])] if c != MCMICRO["cell_id"]]
    image = {"image": "mcmicro_image"} if len(files) > 1 else {}
    return tables.stack(parts), MCMICRO | image | {"proteins": markers}
