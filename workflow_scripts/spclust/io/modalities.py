"""Modalities of the same cells: features checked, cells joined, places found."""

import logging
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.data.cell_files import PROTEIN, RNA
from spclust.data.remedies import exactly, in_yaml
from spclust.errors import UserError
from spclust.io import excluding, guess, layers, places, roles, rows, tables, units
from spclust.io.columns import renamed

log = logging.getLogger(__name__)


@dataclass
class Found:
    """Cells as their files have them, the same cells in the same order in every part.

    Attributes
    ----------
    modalities : dict of str to AnnData
        Named cells and features, finite float32 ``X``.
    coordinates : array of float32, shape (n, 2)
        NaN where there are none.
    obs : DataFrame
        All columns known of the cells.
    groups : dict
        ``image`` and ``label`` to the column of ``obs``, or None.
    rows : DataFrame
        Rows of the files and the cell that was made of each, see :mod:`spclust.io.rows`.
    guessed : dict
        Keys of the dataset that were judged by names.
    shared : MuData or None
        What is kept of all modalities together (obs, obsm, obsp, uns), its rows those of the cells.
    unit : str or None
        Of the coordinates, where the file says it: ``µm`` or ``px``.
    """

    modalities: dict
    coordinates: np.ndarray
    obs: pd.DataFrame
    groups: dict
    rows: pd.DataFrame
    guessed: dict = field(default_factory=dict)
    shared: object = None
    unit: str | None = None


def found_in(data, files, cfg):
    """What a reader gave as AnnData, MuData or a dict of AnnData.

    Parameters
    ----------
    data : AnnData, MuData or dict of str to AnnData
    files : list of path
        For messages.
    cfg : dict
        Keys of a dataset.

    Returns
    -------
    Found

    Raises
    ------
    UserError
        When modalities hold no, repeated or infinite features, no cell in common, or not the same
        cells where ``different_cells`` refuses that; when cells have no places; or when a named
        column or layer does not exist.
    """
    mapped = getattr(data, "mod", data)
    parts = dict(mapped) if hasattr(mapped, "items") else {cfg.get("modality", PROTEIN): data}
    shared = data if hasattr(data, "mod") else None
    sources = _sources(parts, files)
    if len(parts) > 1 and "proteins" in cfg:
        raise UserError(
            f"{files[0]}: `proteins` chooses among the columns of one modality, and there are "
            f"{len(parts)} ({', '.join(parts)}); leave features out with  exclude_proteins:"
        )
    judged, noted = [], [part.uns.pop(rows.NOTED, None) for part in parts.values()]
    for m, part in parts.items():
        part = layers.measured(part, layers.of_modality(m, parts, cfg, files[0]), sources[m])
        judged.append(excluding.features_named(part, cfg.get("exclude_cells", ())))
        parts[m] = _features(m, part, cfg, sources[m])
    in_file = {m: part.obs_names for m, part in parts.items()}
    if len(parts) > 1:
        parts, common = _joined(parts, sources, cfg)
        judged = [frame.reindex(common) for frame in judged]
        shared = None if shared is None else shared[common].copy()
    source = ", ".join(dict.fromkeys(map(str, files)))
    obs = _obs(parts, shared)
    table = _table(obs, source, named=len(parts) > 1)
    columns, guessed = roles.groups(table, cfg, f"{source}, obs")
    coordinates, given, guessed_places = _coordinates(table, parts, shared, cfg, source)
    cell_id = cfg.get("cell_id", "obs_names")
    tables.require(cell_id, obs.columns, "cell_id", f"{source}, obs")
    axes = {(guessed_places | cfg).get(axis) for axis in "xy"}
    used = axes | {*columns.values(), cell_id}
    _say_where_they_differ(used - {None, "obs_names"}, parts, shared)
    names = roles.cell_names(table, cell_id, columns["image"])
    given |= {"id": table.frame[cell_id].to_numpy(), "cell": names}
    if columns["image"] is not None:
        given["image"] = table.frame[columns["image"]].to_numpy()
    cells = pd.DataFrame(given, index=obs.index)
    if noted[0] is None:
        of_files = rows.of_obs(in_file, files, cells)
    else:
        of_files = rows.noted(noted[0], cells)
    for part in parts.values():
        part.obs_names = names
    obs = table.frame.drop(columns="obs_names")
    for frame in judged:
        for name in frame.columns.difference(obs.columns):
            obs[name] = frame[name].to_numpy()
    named = cfg | guessed_places
    unit = units.of_file(_holders(parts, shared), named.get("x"), named.get("y"))
    guessed = guessed_places | guessed
    return Found(parts, coordinates, obs, columns, of_files, guessed, shared, unit)


def _sources(parts, files):
    """Where each modality stands, for messages."""
    if len(parts) == 1:
        return dict.fromkeys(parts, str(files[0]))
    each = files if len(files) == len(parts) else [files[0]] * len(parts)
    return {m: f"{file}, modality {m!r}" for m, file in zip(parts, each)}


def _features(modality, part, cfg, source):
    """A modality with the wanted features, ``X`` as finite float32 (sparse rows if sparse)."""
    if getattr(part, "X", None) is None:
        raise layers.none_measured(part, source)
    if 0 in part.shape:
        raise UserError(
            f"{source}: it holds {part.n_obs} cells and {part.n_vars} features; fill it or write "
            "the file without it"
        )
    if not part.var_names.is_unique:
        twice = part.var_names[part.var_names.duplicated()].unique()
        raise UserError(
            f"{source}: the names {', '.join(twice[:5])} stand more than once in var; "
            "rename them (adata.var_names_make_unique())"
        )
    if "rename" in cfg:
        shown = renamed(list(part.var_names), cfg["rename"], {}, source)
        part.var_names = [shown.get(name, name) for name in part.var_names]
        if not part.var_names.is_unique:
            twice = part.var_names[part.var_names.duplicated()][0]
            raise UserError(f"{source}: two features are {twice!r} by `rename`; change one of them")
    genes = {"exclude_proteins": []} if modality == RNA else {}
    features = roles.features(part.var_names, genes | cfg, source)
    if features != list(part.var_names):
        part = part[:, features].copy()
    small = part.X.dtype == np.float16
    with np.errstate(over="ignore"):
        if sp.issparse(part.X):
            part.X = sp.csr_matrix(part.X, dtype=np.float32)
        else:
            part.X = np.asarray(part.X, dtype=np.float32)
    _check_finite(part, source, small, cfg)
    layers.say_of_others(part, source)
    return part


def _check_finite(part, source, small, cfg):
    """Refuse NaN and inf, naming the first cell and feature; ``small`` is of two bytes a number."""
    values = part.X.data if sp.issparse(part.X) else part.X
    if np.isfinite(values).all():
        return
    if sp.issparse(part.X):
        coo = part.X.tocoo()
        bad = np.flatnonzero(~np.isfinite(coo.data))
        rows, columns = coo.row[bad], coo.col[bad]
    else:
        rows, columns = np.nonzero(~np.isfinite(values))
    features = part.var_names[np.unique(columns)]
    remedy = "remove the cells"
    if small:
        remedy = "float16 has no numbers above 65504, so write the file with X as float32"
    if len(features) + 2 <= part.n_vars and isinstance(cfg.get("proteins"), list):
        remedy += f", or take {', '.join(features)} out of `proteins`"
    elif len(features) + 2 <= part.n_vars:
        lines = in_yaml([*cfg.get("exclude_proteins", ()), *map(exactly, features)])
        remedy += f", or leave features out with  exclude_proteins: {lines}"
    raise UserError(
        f"{source}, cell {part.obs_names[rows[0]]!r}, feature {part.var_names[columns[0]]!r}: the "
        f"value is NaN or infinite ({len(rows)} such values, in {len(features)} of "
        f"{part.n_vars} features); {remedy}"
    )


def _joined(parts, sources, cfg):
    """The cells that all modalities have, in the order of the first; their names."""
    for m, part in parts.items():
        if not part.obs_names.is_unique:
            twice = part.obs_names[part.obs_names.duplicated()].unique()
            raise UserError(
                f"{sources[m]}: the cell id {twice[0]!r} is repeated ({len(twice)} ids are); cells "
                "of several modalities are joined on obs_names, make them unique"
            )
    first, *others = parts.values()
    common = first.obs_names
    for part in others:
        common = common[common.isin(part.obs_names)]
    sizes = ", ".join(f"{m} {part.n_obs}" for m, part in parts.items())
    if not len(common):
        ids = "; ".join(f"{m}: {', '.join(part.obs_names[:3])}" for m, part in parts.items())
        raise UserError(
            f"{'; '.join(sources.values())}: the modalities have no cell in common. Cells are "
            f"joined on obs_names, which are such as {ids}; give the same cells the same names"
        )
    if cfg.get("different_cells") == "refuse":
        _same_cells(parts, sources, common)
    lost = max(part.n_obs for part in parts.values()) - len(common)
    log.log(
        logging.WARNING if lost else logging.INFO,
        "%d cells are in all modalities (%s)%s",
        len(common),
        sizes,
        ", the others are left out" if lost else "",
    )
    # a copy only where order or cells differ
    return {
        m: part if part.obs_names.equals(common) else part[common].copy()
        for m, part in parts.items()
    }, common


def _same_cells(parts, sources, common):
    for m, part in parts.items():
        alone = part.obs_names[~part.obs_names.isin(common)]
        if len(alone):
            raise UserError(
                f"{sources[m]}, cell {alone[0]!r}: {len(alone)} of its {part.n_obs} cells are not "
                "in all modalities; take them out, or leave them out here with  "
                "different_cells: join"
            )


def _obs(parts, shared):
    """Columns of all cells: those kept for all modalities together, then those of each."""
    names = next(iter(parts.values())).obs_names
    obs = {"obs_names": names.to_numpy()}
    for holder in _holders(parts, shared):
        for column, values in holder.obs.items():
            obs.setdefault(str(column), values.set_axis(names))
    return pd.DataFrame(obs, index=names)


def _holders(parts, shared):
    return [*([] if shared is None else [shared]), *parts.values()]


def _say_where_they_differ(columns, parts, shared):
    """Warn of columns in use that are not the same in all modalities that have them."""
    for column in columns:
        held = [
            h.obs[column].astype(str).to_numpy() for h in _holders(parts, shared) if column in h.obs
        ]
        cells = sum((held[0] != other).sum() for other in held[1:])
        if cells:
            log.warning(
                "the obs column %r is not the same in all modalities (%d cells differ); "
                "that of the first is used",
                column,
                cells,
            )


def _table(frame, source, named):
    """Values of cells as a table that knows where each stands: by row, or by the cell's name."""
    lines = frame["obs_names"].to_numpy() if named else range(len(frame))
    places = pd.DataFrame({"file": [source] * len(frame), "line": lines})
    return tables.Table(
        frame.reset_index(drop=True),
        dict.fromkeys(frame.columns, "obs"),
        {"obs": places},
        unit="cell" if named else "row of obs",
    )


def _coordinates(table, parts, shared, cfg, source):
    """Places of the cells, `x` and `y` as they are given, and the keys that were guessed."""
    if "spatial_key" in cfg and {"x", "y"} & set(cfg):
        raise UserError(
            f"{source}: `spatial_key` and `x` or `y` of the dataset both say where cells lie; "
            "remove one"
        )
    none = roles.nowhere(cfg, len(table.frame))
    if none is not None:
        return none, {}, {}
    columns, guessed = [cfg.get("x"), cfg.get("y")], {}
    where = f"{source}, obs"
    if columns == [None, None]:
        held = places.held([h.obsm for h in _holders(parts, shared)], [*parts])
        key, guessed = places.key(held, cfg.get("spatial_key"), source)
        if key is not None:
            found = places.of(held, key, table, source)
            return found.astype(np.float32), dict(zip("xy", found.T)), guessed
        columns = list(guess.coordinates(table.frame.columns))
        guessed = dict(zip("xy", columns))
        where = f"{source} (no obsm['spatial']{places.others(held)}), obs"
    roles.both_coordinates(*columns, where, table.frame.columns)
    given = {axis: table.frame[column].to_numpy() for axis, column in zip("xy", columns)}
    return roles.places(table, columns), given, guessed
