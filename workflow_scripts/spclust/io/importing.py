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

from spclust.contracts import IMAGE, LABEL, PARENTS, PSEUDOLABEL, SPATIAL, SYNTHETIC
from spclust.errors import UserError
from spclust.io import guess, h5ad, labels, mcmicro, roles, steinbock, tables

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
        cells, groups, guessed = _from_h5ad(files, cfg)
    else:
        cells, groups, guessed = _from_tables(files, kind, cfg)
    if guessed:
        lines = "".join(
            f"\n    {key}: {json.dumps(v, ensure_ascii=False)}" for key, v in guessed.items()
        )
        log.warning(
            "%s: judged by their names, columns are taken as below. Right? Paste this into the "
            "dataset's entry; wrong? Change it there:%s", cfg.get("name", files[0]), lines,
        )  # fmt: skip
    return _finish(cells, groups, cfg, ", ".join(map(str, files[:3])))


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
    if all(name.endswith(".h5ad") for name in names):
        return "h5ad"
    odd = [f for f, n in zip(files, names) if not re.search(r"\.(csv|tsv|txt)(\.gz)?$", n)]
    if odd:
        raise UserError(
            f"{odd[0]}: the format is not clear from the file's name; write e.g.  format: table  "
            "(or h5ad, mcmicro, steinbock) in the dataset's entry"
        )
    return "mcmicro" if mcmicro.is_mcmicro(files) else "table"


def _from_h5ad(files, cfg):
    path, *others = files
    if others:
        raise UserError(f"{others[0]}: one h5ad file a dataset; make {path} a dataset of its own")
    cells = h5ad.read(path)
    proteins = roles.proteins(cells.var_names, cfg, path, lambda: list(cells.var_names))
    if proteins != list(cells.var_names):
        cells = cells[:, proteins].copy()
    h5ad.check_matrix(cells, path)
    cells.obsm[SPATIAL], guessed = h5ad.coordinates(cells, cfg, path)
    table = h5ad.obs_table(cells.obs.assign(obs_names=cells.obs_names), path)
    columns, more = roles.groups(table, cfg, f"{path}, obs")
    cell_id = cfg.get("cell_id", "obs_names")
    tables.require(cell_id, table.frame.columns, "cell_id", f"{path}, obs")
    cells.obs_names = roles.cell_names(table, cell_id, columns["image"])
    return cells, columns, guessed | more


def _from_tables(files, kind, cfg):
    import anndata

    given, guessed = {}, {}
    if kind == "table":
        table, guessed = _joined(files, cfg)
    else:
        table, given = {"mcmicro": mcmicro, "steinbock": steinbock}[kind].read(files)
    known, cfg = given.pop("proteins", None), given | guessed | cfg
    source, columns = table.files(), list(table.frame.columns)
    groups, more = roles.groups(table, cfg, source)
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
    taken = {x, y, cfg.get("cell_id"), *groups.values()}
    proteins = roles.proteins(
        [c for c in columns if c not in taken], cfg, source,
        lambda: known or guess.proteins(table.frame, taken),
    )  # fmt: skip
    if known is None and "proteins" not in cfg:
        more["proteins"] = proteins
    names = roles.cell_names(table, cfg.get("cell_id"), groups["image"])
    remedy = "correct it, remove the cell, or leave the column out with `exclude_proteins`"
    cells = anndata.AnnData(
        tables.numbers(table.frame, proteins, table.place, remedy),
        obs=table.frame.drop(columns=[*proteins, x, y]).set_axis(names),
        var=pd.DataFrame({"column": proteins}, index=guess.short_names(proteins)),
        obsm={SPATIAL: tables.numbers(table.frame, [x, y], table.place, "remove the cell")},
    )
    return cells, groups, guessed | more


def _joined(files, cfg):
    """Read and join the tables of one slice by the columns that name a cell."""
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
    guessed = {} if cell_id is None or "cell_id" in cfg else {"cell_id": cell_id}
    if len(parts) == 1:
        return parts[0], guessed
    image = cfg["image"] if "image" in cfg else guess.image(parts[0].frame[common])
    # ids may start anew in each image
    on = [cell_id] + ([image] if image in common else [])
    for part in parts:
        for column, key in zip(on, ("cell_id", "image")):
            tables.clean_text(part, column, key)
    return tables.join(parts, on), guessed


def _finish(cells, groups, cfg, source):
    """Name the columns of this workflow, clean the labels and refuse what cannot be clustered."""
    obs = cells.obs.rename(columns=str)
    image = "image" if groups["image"] is None else labels.as_text(obs[groups["image"]])
    scored = None
    if groups["label"] is not None:
        scored = labels.clean(
            obs[groups["label"]],
            cfg.get("ignore_labels"),
            cfg.get("min_label_size", labels.MIN_SIZE),
        )
    # a slash cannot be part of a name in an h5ad file
    names = {c: f"{c}_original" if c in _RESERVED else c.replace("/", "_") for c in obs}
    obs = obs.rename(columns=names)
    for column in obs.select_dtypes(object):
        obs[column] = labels.as_text(obs[column]).astype(object).astype("category")
    obs[IMAGE] = pd.Categorical(np.broadcast_to(image, len(obs)).astype(str))
    if groups["image"] == IMAGE:
        del obs[f"{IMAGE}_original"]
    if scored is not None:
        obs[LABEL] = scored
    cells.obs = obs
    if cfg.get("drop_unscored") and scored is None:
        raise UserError(
            f"{source}: `drop_unscored` needs labels; name their column as  label:  of the dataset"
        )
    if cfg.get("drop_unscored"):
        log.info("dropping %d cells that are not scored", scored.isna().sum())
        cells = cells[scored.notna().to_numpy()].copy()
    if cells.n_obs < 2:
        raise UserError(
            f"{source}: {cells.n_obs or 'no'} cell{' is' if cells.n_obs == 1 else 's are'} left to "
            "be clustered, at least 2 are needed; check the file, or lower `min_label_size` and "
            "set `drop_unscored` to false"
        )
    places = pd.DataFrame(cells.obsm[SPATIAL]).groupby(cells.obs[IMAGE].to_numpy(), observed=True)
    spans = (places.max() - places.min()).sum(axis=1)
    for name in spans.index[(spans == 0) & (places.size() > 1)]:
        x, y = cells.obsm[SPATIAL][(cells.obs[IMAGE] == name).to_numpy()][0]
        raise UserError(
            f"{source}: all {places.size()[name]} cells of the image {name!r} lie at one point "
            f"({x:g}, {y:g}); check the columns named as  x:, y:  and  image:  of the dataset"
        )
    log.info(
        "%d cells, %d proteins, %d image(s): %s", cells.n_obs, cells.n_vars, len(spans),
        places.size().sort_values(ascending=False).head(20).to_dict(),
    )  # fmt: skip
    return cells
