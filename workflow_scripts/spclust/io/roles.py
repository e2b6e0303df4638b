"""Which columns are what: as the config says or, where it is silent, by their names."""

import logging
import re

import numpy as np

from spclust.errors import UserError
from spclust.io import guess, tables

log = logging.getLogger(__name__)


def groups(table, cfg, source):
    """Columns of images and labels.

    Parameters
    ----------
    table : Table
    cfg : dict
        ``image`` and ``label``; None means there is none, left out it is guessed.
    source : str
        File, for messages.

    Returns
    -------
    (dict, dict)
        ``image`` and ``label`` to a column or None; those that were guessed.
    """
    roles, guessed = {}, {}
    for key, find in (("image", guess.image), ("label", guess.label)):
        if key in cfg:
            roles[key] = cfg[key]
            if cfg[key] is not None:
                tables.require(cfg[key], table.frame.columns, key, source)
        else:
            roles[key] = find(table.frame)
            if roles[key] is not None:
                guessed[key] = roles[key]
    if roles["image"] is not None:
        tables.clean_text(table, roles["image"], "image")
    return roles, guessed


def proteins(columns, cfg, source, find):
    """Columns of proteins.

    Parameters
    ----------
    columns : list of str
        Columns that may be proteins.
    cfg : dict
        ``proteins``, names (taken as they are) or a regular expression, and ``exclude_proteins``.
    source : str
        File, for messages.
    find : callable
        Gives the columns where the config does not.

    Returns
    -------
    list of str

    Raises
    ------
    UserError
        When a named column does not exist, a pattern is wrong, or nothing is left.
    """
    wanted, columns = cfg.get("proteins"), list(columns)
    if isinstance(wanted, list):
        for name in wanted:
            tables.require(name, columns, "proteins", source)
        return wanted
    if wanted is None:
        found = find()
    else:
        found = [c for c in columns if _pattern(wanted, "proteins").search(c)]
    none = [_pattern(p, "exclude_proteins") for p in cfg.get("exclude_proteins", guess.EXCLUDED)]
    kept = [c for c in found if not any(p.search(c) for p in none)]
    excluded = [c for c in found if c not in kept]
    if excluded and "exclude_proteins" not in cfg:
        log.warning(
            "%s: left out, because their names tell of DNA stains or background: %s; to keep all "
            "write  exclude_proteins: []", source, ", ".join(excluded),
        )  # fmt: skip
    if not kept:
        raise UserError(
            f"{source}: no protein columns were found; name them as  proteins:  of the dataset, a "
            f"list or one regular expression. Columns are: {_some(columns)}"
        )
    others = [c for c in columns if c not in kept]
    log.info("%d features: %s; %d others: %s", len(kept), _some(kept), len(others), _some(others))
    return kept


def _some(columns):
    return ", ".join(map(str, columns[:60])) + (", ..." if len(columns) > 60 else "")


def _pattern(text, key):
    try:
        return re.compile(text)
    except re.error as error:
        raise UserError(
            f"`{key}` of the dataset: {text!r} is no regular expression ({error}); a plain name "
            f"needs a backslash before each of  . ^ $ * + ? ( ) [ ] {{ }} |"
        ) from error


def cell_names(table, cell_id, image):
    """Unique names of cells: their ids, behind the image where ids start anew in each image.

    Raises
    ------
    UserError
        When an id is missing, or names two cells of one image.
    """
    if cell_id is None:
        log.warning("%s: no column of cell ids; cells are numbered by their rows", table.files())
        return np.arange(1, len(table.frame) + 1).astype(str)
    tables.clean_text(table, cell_id, "cell_id")
    ids = table.frame[cell_id]
    if not ids.duplicated().any():
        return ids.to_numpy()
    tables.unique(table, [cell_id] if image is None else [image, cell_id])
    log.info("cell ids start anew in each image; cells are named <image>_<id>")
    return (table.frame[image] + "_" + ids).to_numpy()
