"""Which columns are what: as the config says or, where it is silent, by their names."""

import logging
import re

import numpy as np
import pandas as pd

from spclust.errors import UserError
from spclust.io import guess, tables, textfiles
from spclust.knowledge.other_columns import background
from spclust.knowledge.panel import recognise

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
    if "image" in guessed:
        _tell_across(table.frame, roles["image"], source)
    if roles["image"] is not None:
        tables.clean_text(table, roles["image"], "image")
    return roles, guessed


def _tell_across(frame, image, source):
    other = guess.across(frame, image)
    if other is not None:
        log.warning(
            "%s: the same values of %r, the column of images, stand with several of %r. If those "
            "are other images, as where numbers start anew on each slide, add a column that joins "
            "both and name it as  image:  of the dataset",
            source,
            image,
            other,
        )


def refuse_long(table):
    """Refuse a table of a row a cell and marker.

    Raises
    ------
    UserError
        Where a column holds names of proteins, and all else of a cell stands again for each.
    """
    frame = table.frame
    for column in frame.select_dtypes(include=["object", "string", "category"]):
        if not 3 <= frame[column].nunique() <= len(frame) // 3:
            continue
        known = recognise(frame[column].dropna().unique())["canonical"].notna()
        # what tells of the cell stands again for each marker
        about = frame.select_dtypes(exclude="float").columns.drop(column)
        if known.sum() < 3 or known.mean() < 0.5 or frame[about].duplicated().mean() < 0.6:
            continue
        raise UserError(
            f"{table.files()}: column {column!r} holds names of markers, so there is a row for "
            "each cell and marker, and a row a cell is needed. Make it so, e.g. with pandas:  "
            f"table.pivot(index={list(about)}, columns={column!r}, values=<column of values>)"
            ".reset_index()"
        )


def features(names, cfg, source):
    """Features of a file that says which they are, without DNA stains and background.

    Parameters
    ----------
    names : list of str
    cfg : dict
        ``proteins``, names (taken as they are) or a regular expression, and ``exclude_proteins``.
    source : str
        File, for messages.

    Returns
    -------
    list of str

    Raises
    ------
    UserError
        When a named feature does not exist, a pattern is wrong, or nothing is left.
    """
    named, names = cfg.get("proteins"), list(names)
    if isinstance(named, list):
        for name in named:
            tables.require(name, names, "proteins", source)
        return named
    if named is not None:
        wanted = pattern(named, "proteins")
        names = [name for name in names if wanted.search(name)]
    none = exclusions(cfg, names, source)
    kept = [name for name in names if not any(p.search(name) for p in none)]
    if cfg.get("exclude_proteins") != []:
        others = [name for name in kept if background(name) in ("background", "nuclear stain")]
        kept = [name for name in kept if name not in set(others)]
        if others:
            log.warning(
                "%s: left out, because their names tell of DNA stains or background: %s; to keep "
                "all write  exclude_proteins: []",
                source,
                ", ".join(others),
            )
    if not kept:
        raise UserError(
            f"{source}: no protein columns were found; name them as  proteins:  of the dataset, a "
            f"list or one regular expression. Columns are: {_some(names)}"
        )
    log.info("%d features: %s", len(kept), _some(kept))
    return kept


def exclusions(cfg, names, source):
    """Patterns of ``exclude_proteins``; those that nothing matches are said."""
    patterns = [pattern(text, "exclude_proteins") for text in cfg.get("exclude_proteins", ())]
    for text, one in zip(cfg.get("exclude_proteins", ()), patterns):
        if not any(one.search(name) for name in names):
            log.warning("%s: `exclude_proteins`: %r is found in no column", source, text)
    return patterns


def refuse_taken(cfg, taken, source):
    """Refuse a column that ``proteins`` lists and another key of the dataset names.

    Parameters
    ----------
    cfg : dict
    taken : dict of str to str or None
        Key to its column.
    source : str
        File, for messages.
    """
    named = cfg.get("proteins")
    for key, column in taken.items():
        if isinstance(named, list) and column is not None and column in named:
            raise UserError(
                f"{source}: `proteins` of the dataset lists {column!r}, which is its `{key}`; "
                "remove it from one of the two"
            )


def refuse_commas(table, taken):
    """Refuse a table some of whose numbers are written as ``1,5``.

    Parameters
    ----------
    table : Table
    taken : set of str
        Columns known to be no proteins.
    """
    texts = table.frame.select_dtypes(exclude=["number", "bool"]).columns
    for column in (c for c in texts if c not in taken):
        row = table.frame[column].first_valid_index()
        if row is not None and textfiles.COMMA.fullmatch(str(table.frame[column][row])):
            raise UserError(
                f"{table.place(row, column)}: {table.frame[column][row]!r} is written with a "
                "decimal comma; write numbers with points, e.g. by the export of your program"
            )


def refuse_twins(proteins, table):
    """Refuse proteins that the header names twice; pandas calls the second ``CD3.1``.

    Parameters
    ----------
    proteins : list of str
        Columns of proteins.
    table : Table

    Raises
    ------
    UserError
    """
    for name in proteins:
        meant = re.sub(r"\.\d+$", "", name)
        if meant in table.repeated:
            raise UserError(
                f"{table.files()}: more than one column is called {meant!r}; rename them in the "
                "file, or list the columns to use, without it, as  proteins:  of the dataset"
            )


def nowhere(cfg, n):
    """Coordinates of ``n`` cells that have none by ``x: null`` of the dataset; else None."""
    if "x" in cfg and cfg["x"] is None and cfg.get("y") is None:
        return np.full((n, 2), np.nan, dtype=np.float32)
    return None


def both_coordinates(x, y, source, columns):
    """Refuse columns of x and y of which one is missing, unknown or the other.

    Parameters
    ----------
    x, y : str or None
        Columns, as given or guessed.
    source : str
        File, for messages.
    columns : list of str
        All there are.

    Raises
    ------
    UserError
    """
    if x is None and y is None:
        raise UserError(
            f"{source}: no coordinates, no two columns are given or look like x and y; name them "
            "as  x:  and  y:  of the dataset (an h5ad may have obsm['spatial'] instead), or write  "
            f"x: null  where cells have no places. Columns are: {_some(columns)}"
        )
    for key, column, other in (("x", x, "y"), ("y", y, "x")):
        if column is None:
            raise UserError(
                f"{source}: `{other}` of the dataset is given and `{key}` is not; name its column "
                f"as  {key}:, or leave both out to have them guessed. Columns are: {_some(columns)}"
            )
        tables.require(column, columns, key, source)
    if x == y:
        raise UserError(
            f"{source}: `x` and `y` of the dataset name the same column, {x!r}, so that all cells "
            f"would lie on one line; name another as  y:. Columns are: {_some(columns)}"
        )


def places(table, columns):
    """Coordinates of the cells.

    Parameters
    ----------
    table : Table
    columns : list of str
        Of x and of y.

    Returns
    -------
    array of float32, shape (n, 2)

    Raises
    ------
    UserError
    """
    for key, column in zip("xy", columns):
        values = table.frame[column]
        if values.map(lambda value: isinstance(value, bool | np.bool_)).any():
            raise UserError(
                f"{table.place(0, column)}: true and false are not coordinates; name another "
                f"column as  {key}:  of the dataset"
            )
    none = [c for c in columns if not pd.to_numeric(table.frame[c], errors="coerce").notna().any()]
    remedy = (
        "no cell has one that is; write plain numbers without units, or name other columns as  "
        "x:  and  y:  of the dataset"
        if none
        else "correct it, or remove the cell"
    )
    return tables.numbers(table.frame, columns, table.place, remedy)


def _some(columns):
    return ", ".join(map(str, columns[:60])) + (", ..." if len(columns) > 60 else "")


def pattern(text, key):
    """A regular expression of the configuration, compiled."""
    try:
        return re.compile(text)
    except re.error as error:
        raise UserError(
            f"`{key}` of the dataset: {text!r} is not a regular expression ({error}); a plain name "
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
