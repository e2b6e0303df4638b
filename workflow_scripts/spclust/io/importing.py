"""A slice of any supported format into MuData and a table of reference labels.

A slice of your own takes a configuration file of at most five lines, of which the last three are
needed only where the guess is wrong::

    datasets:
      - name: my_slice
        path: cells.csv
        label: cell_type
        image: sample

Formats are the modules of :mod:`spclust.io.readers`.
"""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data import folders
from spclust.data.cell_files import (
    IMAGE,
    PARENTS,
    PROTEIN,
    PSEUDOLABEL,
    SLICE,
    SPATIAL,
    SYNTHETIC,
)
from spclust.data.requirements import refuse_one_point
from spclust.errors import UserError
from spclust.io import (
    channels,
    excluding,
    guess,
    hdf5,
    labels,
    modalities,
    readers,
    roles,
    rows,
    separation,
    tables,
    units,
)

log = logging.getLogger(__name__)

# names this workflow gives columns of obs, and one that h5ad keeps for itself
_RESERVED = (IMAGE, SLICE, "label", PSEUDOLABEL, SYNTHETIC, *PARENTS, "_index")


def import_cells(paths, cfg):
    """Cells and reference labels of one slice, see :func:`import_slice`."""
    return import_slice(paths, cfg)[:2]


def import_slice(paths, cfg):
    """Read one slice and check it.

    Everything else a file holds (layers, obsm, obsp, uns, raw) is kept: the export stage hands it
    back with the clusters added.

    Parameters
    ----------
    paths : list of path
        Files, folders of tables, or Zarr stores.
    cfg : dict
        Keys of a dataset (config/schemas/dataset.schema.yaml), all optional: ``name, path, format,
        modality, layer, cell_id, x, y, image, label, proteins, exclude_proteins, ignore_labels,
        min_label_size, drop_unscored, exclude_cells, pixel_size, measure, rename``. What is left
        out is guessed from column names; the guess is logged with the lines that fix it. None as
        ``image``, ``label`` or ``x`` means there is none.

    Returns
    -------
    MuData
        The modalities, of the same cells in the same order, ``X`` float32 as measured;
        ``obs['image']``, ``obs['slice']`` (the dataset's name), ``obsm['spatial']`` float32
        (cells, 2), NaN where cells have no places, in µm where ``uns['spclust']['unit']`` says so,
        else as in the file, whose own x and y are in ``obs``. Columns of obs that bear a name of
        this workflow are kept as ``<name>_original``.
    DataFrame
        ``cell, label, scored`` of the cells that have a reference label of a class; empty where
        there is no column of labels.
    DataFrame
        Every row of the files in their order, with the cell that was made of it or why there is
        none; see :mod:`spclust.io.rows`.

    Raises
    ------
    UserError
        With file, row and column of what is wrong, and the remedy.
    """
    files = _files(paths)
    kind = cfg.get("format") or readers.recognise(files)
    log.info("reading %d %s: %s", len(files), kind, ", ".join(map(str, files[:5])))
    data = readers.load(kind).read(files, cfg)
    if isinstance(cfg.get("path"), dict) and not isinstance(data, dict):
        raise UserError(
            f"{files[0]}: a mapping as `path` names an h5ad file for each modality, and the format "
            f"here is {kind}; give a list as  path:  or make h5ad files of the tables"
        )
    of_tables = isinstance(data, tables.Table)
    wrong = [k for k in (("layer", "spatial_key") if of_tables else ("measure",)) if k in cfg]
    if wrong:
        right = "h5ad, h5mu and Zarr files" if of_tables else "tables"
        raise UserError(
            f"{files[0]}: `{wrong[0]}` is of {right}, and the format is {kind}; remove it"
        )
    if isinstance(cfg.get("rename"), str):
        cfg = cfg | {"rename": channels.read_names(cfg["rename"])}
    if of_tables:
        told = _settled(kind, data) if data.roles else {}
        data.guessed = {k: v for k, v in (told | data.guessed).items() if k not in cfg}
        measured = _from_table(data, cfg)
    else:
        measured = modalities.found_in(data, files, cfg)
    if measured.guessed:
        lines = "".join(
            f"\n    {key}: {json.dumps(v, ensure_ascii=False)}"
            for key, v in measured.guessed.items()
        )
        log.warning(
            "%s: judged by their names, columns are taken as below. Right? Paste this into the "
            "dataset's entry; wrong? Change it there:%s",
            cfg.get("name", files[0]),
            lines,
        )
    return _finish(measured, cfg, ", ".join(map(str, files[:3])))


def _files(paths):
    files = []
    for path in map(Path, paths):
        files += folders.of_cells(path) if path.is_dir() else [path]
    return folders.stores_whole(files)


def _settled(kind, table):
    """What a format that was told by the files settles, as lines to paste; channels stand apart."""
    roles = {key: column for key, column in table.roles.items() if key != "proteins"}
    if roles.get("cell_id", "") is None:
        del roles["cell_id"]
    return {"format": kind} | roles


def _from_table(table, cfg):
    """Rows of text files as one modality."""
    import anndata

    settled = {k: v for k, v in (table.roles | table.guessed).items() if k != "proteins"}
    cfg = settled | cfg
    source, columns = table.files(), list(table.frame.columns)
    groups, guessed = roles.groups(table, cfg, source)
    x, y = cfg.get("x"), cfg.get("y")
    places = roles.nowhere(cfg, len(table.frame))
    if x is None and y is None and places is None:
        x, y = guess.coordinates([c for c in columns if c not in groups.values()])
        guessed |= {"x": x, "y": y}
    if places is None:
        roles.both_coordinates(x, y, source, columns)
    taken = {x, y, cfg.get("cell_id"), *groups.values()} - {None}
    roles.refuse_taken(cfg, {"x": x, "y": y, "cell_id": cfg.get("cell_id"), **groups}, source)
    if not {"proteins", "exclude_proteins"} & set(cfg) and "proteins" not in table.roles:
        roles.refuse_commas(table, taken)
    found, lines = channels.of_table(table, cfg, taken, source)
    guessed |= lines
    channels.refuse_leaks(table.frame, found, groups["label"], cfg, source)
    proteins = found.columns
    names = roles.cell_names(table, cfg.get("cell_id"), groups["image"])
    roles.refuse_twins(proteins, table)
    remedy = "correct it, remove the cell, or leave the column out with `exclude_proteins`"
    values = tables.numbers(table.frame, proteins, table.place, remedy)
    places = roles.places(table, [x, y]) if places is None else places
    obs = table.frame.drop(columns=proteins)
    as_read = {"id": cfg.get("cell_id"), "image": groups["image"], "x": x, "y": y}
    of_files = rows.of_table(table, as_read, names)
    cells = anndata.AnnData(values, obs=obs.set_axis(names), var=found.var)
    modality = cfg.get("modality", PROTEIN)
    unit = None if x is None else units.of_table(table, x, y)
    guessed = table.guessed | guessed
    return modalities.Found({modality: cells}, places, obs, groups, of_files, guessed, unit=unit)


def _finish(measured, cfg, source):
    """Name what belongs to all modalities, part off the labels, refuse what cannot be clustered."""
    for name, part in measured.modalities.items():
        if part.n_vars == 1:
            raise UserError(
                f"{source}: the modality {name!r} has one feature, {part.var_names[0]!r}, and at "
                "least 2 are needed; check `proteins`, or write the file without the modality"
            )
    ids = next(iter(measured.modalities.values())).obs_names
    # why each cell that does not stay is left out
    left_out = excluding.reasons(measured, cfg.get("exclude_cells"), source).set_axis(ids)
    column = measured.groups["label"]
    reference = labels.empty()
    if column is not None:
        reference = labels.table(
            measured.obs[column].set_axis(ids)[left_out.isna()],
            cfg.get("ignore_labels"),
            cfg.get("min_label_size", labels.MIN_SIZE),
        )
    if cfg.get("drop_unscored"):
        if column is None:
            raise UserError(
                f"{source}: `drop_unscored` needs labels; name their column as  label:  of the "
                "dataset"
            )
        reference = reference[reference["scored"]]
        left_out[left_out.isna() & ~ids.isin(reference["cell"])] = "not scored"
        log.info("dropping %d cells that are not scored", (left_out == "not scored").sum())
    kept = np.flatnonzero(left_out.isna())
    if len(kept) < 2:
        raise UserError(
            f"{source}: {len(kept) or 'no'} cell{' is' if len(kept) == 1 else 's are'} left to "
            "be clustered, at least 2 are needed; check the file, or lower `min_label_size`, "
            "set `drop_unscored` to false, or widen `exclude_cells`"
        )
    data = _mudata(measured, kept)
    column = measured.groups["image"]
    image = "image" if column is None else labels.as_text(measured.obs[column].iloc[kept])
    image = np.broadcast_to(image, len(kept)).astype(str)
    if "split_images" in cfg:
        distance = cfg["split_images"]["distance"]
        image = separation.by_distance(data.obsm[SPATIAL], image, distance, source)
    elif column is None and "image" not in cfg:
        told = measured.obs.drop(columns=[measured.groups["label"]], errors="ignore")
        separation.tell(told, measured.coordinates, ids, source)
    data.obs[IMAGE] = pd.Categorical(image)
    data.obs[SLICE] = pd.Categorical([cfg.get("name", "slice")] * len(kept))
    refuse_one_point(data.obsm[SPATIAL], data.obs[IMAGE].to_numpy(), source)
    units.settle(data, measured.unit, cfg.get("pixel_size"), source, bool(measured.guessed))
    _say_what_there_is(data)
    of_files = rows.leave_out(measured.rows, left_out).assign(unit=measured.unit)
    return data, reference.reset_index(drop=True), of_files


def _mudata(measured, kept):
    """The cells of some rows as MuData, without columns that this workflow is to write."""
    import mudata

    mudata.set_options(pull_on_update=False)
    given = IMAGE if measured.groups["image"] == IMAGE else None
    parts = measured.modalities
    if len(kept) < len(measured.obs):
        parts = {m: part[kept].copy() for m, part in parts.items()}
    for part in parts.values():
        part.obs = tidy(part.obs, given)
        part.uns = hdf5.writable(part.uns)
    data = mudata.MuData(parts)
    if measured.shared is not None:
        shared = measured.shared[kept]
        data.obs = tidy(shared.obs, given).set_axis(data.obs_names)
        for key, values in shared.obsm.items():
            if key not in parts:  # those say which cells a modality has
                data.obsm[key] = values
        for key, values in shared.obsp.items():
            data.obsp[key] = values
        data.uns = hdf5.writable(shared.uns)
    data.obsm[SPATIAL] = measured.coordinates[kept]
    return data


def tidy(obs, given=None):
    """Columns of obs under names and of types that can be written beside those of this workflow.

    Parameters
    ----------
    obs : DataFrame
    given : str, optional
        Column that this workflow writes again as it is, left out.

    Returns
    -------
    DataFrame
    """
    obs = obs.rename(columns=str).drop(columns=[given], errors="ignore")
    # a slash cannot be part of a name in an h5ad file
    names = {c: f"{c}_original" if c in _RESERVED else c.replace("/", "_") for c in obs}
    obs = obs.rename(columns=names)
    for column in obs.select_dtypes(["object", "string"]):
        obs[column] = labels.as_text(obs[column]).astype(object).astype("category")
    return obs


def _say_what_there_is(data):
    sizes = data.obs[IMAGE].value_counts()
    log.info(
        "%d cells, features: %s, %d image(s): %s",
        data.n_obs,
        ", ".join(f"{m} {part.n_vars}" for m, part in data.mod.items()),
        len(sizes),
        sizes.head(20).to_dict(),
    )
