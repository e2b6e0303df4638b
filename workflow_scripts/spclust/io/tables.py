"""Tables: reading, joining and stacking, with every value's file and line remembered."""

import difflib
import logging
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spclust.data import formats
from spclust.errors import UserError
from spclust.io import containers, labels, textfiles

log = logging.getLogger(__name__)


@dataclass
class Table:
    """Rows of one or several files, one row a cell.

    Attributes
    ----------
    frame : DataFrame
        The values, rows numbered from 0.
    origin : dict of str to str
        Column to the key of ``sources`` it came from.
    sources : dict of str to DataFrame
        Per group of files, the ``file`` and ``line`` each row was read from.
    unit : str
        What a ``line`` is called in messages.
    roles : dict
        Keys of a dataset (``cell_id``, ``x``, ``y``, ``image``, ``label``, ``proteins``) to the
        columns that the format settles; what the user says goes before.
    guessed : dict
        The same of columns judged by their names, which the user is shown.
    repeated : set of str
        Names that the header has more than once.
    lost : list of (Table, str)
        Rows that joining left out, and why.
    renamed : dict of str to str
        Columns to the names that they stand for.
    unit_of_length : str or None
        Of x and y, where the format settles it: ``µm`` or ``px``.
    """

    frame: pd.DataFrame
    origin: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    unit: str = "line"
    roles: dict = field(default_factory=dict)
    guessed: dict = field(default_factory=dict)
    repeated: frozenset = frozenset()
    lost: list = field(default_factory=list)
    renamed: dict = field(default_factory=dict)
    unit_of_length: str | None = None

    def place(self, row, column):
        """Where a value stands: file, line and column."""
        file, line = self.sources[self.origin[column]].iloc[row]
        return f"{file}, {self.unit} {line}, column {column!r}"

    def files(self):
        """Names of all files, for messages about the whole table."""
        names = dict.fromkeys(str(f) for s in self.sources.values() for f in s["file"].unique())
        return ", ".join(list(names)[:4]) + (", ..." if len(names) > 4 else "")

    def take(self, rows):
        """The table of these rows only."""
        return Table(
            self.frame.iloc[rows].reset_index(drop=True),
            self.origin,
            {key: s.iloc[rows].reset_index(drop=True) for key, s in self.sources.items()},
            self.unit,
            repeated=self.repeated,
        )


def are_tables(files):
    """Whether all files are named as tables, in text or a container."""
    return all(formats.is_table(file) for file in files)


def header(path):
    """Column names of a table, repeated ones numbered as pandas does.

    Raises
    ------
    UserError
        When the file is missing, empty or no text table.
    """
    return list(containers.parse(path, nrows=0).columns)


def read(path, text=(), key=None):
    """Read a table, in text or a container, see :mod:`spclust.io.containers`.

    Parameters
    ----------
    path : path
    text : iterable of str
        Columns kept as text (ids, images, labels), so that ``007`` stays ``007``.
    key : str, optional
        Group of files the table belongs to; left out, the file itself.

    Returns
    -------
    Table

    Raises
    ------
    UserError
        When the file is missing, empty, truncated or no text table.
    """
    frame = containers.parse(path, dtype={column: str for column in text})
    if not isinstance(frame.index, pd.RangeIndex):
        raise UserError(
            f"{path}: its rows have more fields than its header has names; add the missing name "
            "(often that of the first column, the cell ids), or remove a line before the header"
        )
    # blank lines are read, then dropped, so that line numbers stay true
    frame = frame.dropna(how="all")
    if frame.empty:
        raise UserError(f"{path}: the table holds no cells, only a header; check the file")
    for column in frame.columns.intersection(list(text)):
        frame[column] = frame[column].str.strip()
    key, first = key or str(path), frame.attrs["first"]
    source = pd.DataFrame(
        {"file": pd.Categorical([str(path)] * len(frame)), "line": frame.index + first}
    )
    return Table(
        frame.reset_index(drop=True),
        dict.fromkeys(frame.columns, key),
        {key: source},
        frame.attrs["unit"],
        repeated=frozenset(frame.attrs["repeated"]),
    )


def clean_text(table, column, key):
    """Make a column of ids or images text (``12.0`` becomes ``12``), and refuse missing values."""
    values = labels.as_text(table.frame[column])
    missing = np.flatnonzero(values.isna())
    if len(missing):
        raise UserError(
            f"{table.place(missing[0], column)}: the value is missing ({len(missing)} in all); "
            f"fill it in, or name another column as `{key}` of the dataset"
        )
    table.frame[column] = values.astype(object)


def join(parts, on):
    """Inner join of tables that hold the same cells.

    Parameters
    ----------
    parts : list of Table
    on : list of str
        Columns that name a cell, in every table.

    Returns
    -------
    Table
        Rows in the order of the first table. A column several tables have is taken from the first.

    Raises
    ------
    UserError
        When a table names a cell twice, or two tables have no cell in common.
    """
    result, *others = parts
    unique(result, on)
    for other in others:
        unique(other, on)
        left, right = (pd.MultiIndex.from_frame(t.frame[on]) for t in (result, other))
        rows = right.get_indexer(left)
        kept = np.flatnonzero(rows >= 0)
        if not len(kept):
            raise UserError(
                f"{other.files()} and {result.files()} have no cell in common by "
                f"{' and '.join(map(repr, on))}: ids such as {_some(right)} against "
                f"{_some(left)}; check that the files belong together and name the right "
                "column as `cell_id`"
            )
        log.info(
            "joined %s: %d cells in both, %d only there, %d only in the files before it",
            other.files(),
            len(kept),
            len(right) - len(kept),
            len(left) - len(kept),
        )
        lost = [
            *result.lost,
            *_lost(result, np.setdiff1d(np.arange(len(left)), kept), other),
            *_lost(other, np.setdiff1d(np.arange(len(right)), rows[kept]), result),
        ]
        result, other = result.take(kept), other.take(rows[kept])
        new = [c for c in other.frame.columns if c not in result.frame]
        twice = [c for c in other.frame.columns if c in result.frame and c not in on]
        if twice:
            log.warning("%s: columns %s are taken from the files before it", other.files(), twice)
        result = Table(
            pd.concat([result.frame, other.frame[new]], axis=1),
            {**other.origin, **result.origin},
            {**result.sources, **other.sources},
            result.unit,
            repeated=result.repeated | other.repeated,
            lost=lost,
        )
    return result


def _lost(table, rows, other):
    """Rows of a table that another has not, as ``Table.lost`` lists them."""
    return [(table.take(rows), f"not in {other.files()}")] if len(rows) else []


def stack(parts):
    """Tables of several images one below the other; all must have the same columns."""
    first = parts[0]
    for part in parts[1:]:
        odd = set(first.frame.columns) ^ set(part.frame.columns)
        if odd:
            raise UserError(
                f"{part.files()} and {first.files()} differ in the columns "
                f"{', '.join(map(repr, sorted(odd)))}; the tables of all images must have the same"
            )
    return Table(
        pd.concat([p.frame for p in parts], ignore_index=True),
        first.origin,
        {
            key: pd.concat([p.sources[key].astype({"file": str}) for p in parts], ignore_index=True)
            for key in first.sources
        },
        first.unit,
        repeated=first.repeated,
        lost=[lost for part in parts for lost in part.lost],
    )


def unique(table, on):
    """Refuse a table that names a cell twice by the columns ``on``."""
    twice = table.frame.duplicated(on, keep=False).to_numpy()
    if not twice.any():
        return
    rows, column = np.flatnonzero(twice), on[-1]
    names = table.frame.loc[rows, on].astype(str).agg("/".join, axis=1)
    first = rows[names == names.iloc[0]]
    lines = table.sources[table.origin[column]]["line"].iloc[first[:3]]
    raise UserError(
        f"{table.place(first[0], column)}: the cell id {names.iloc[0]!r} is repeated "
        f"({table.unit} {', '.join(map(str, lines))}); {names.nunique()} ids are "
        f"({', '.join(names.unique()[:5])}). Make them unique, or name the column that is "
        "unique as `cell_id`, and as `image` the image in which ids start anew"
    )


def numbers(frame, columns, place, remedy):
    """Values of columns as float32, all finite.

    Parameters
    ----------
    frame : DataFrame
    columns : list of str
    place : callable of (row, column)
        Words for where a value stands, such as :meth:`Table.place`.
    remedy : str
        What to do about a bad value, for the message.

    Returns
    -------
    array of float32, shape (cells, columns)

    Raises
    ------
    UserError
        With the place of the first value that is no number, missing or infinite.
    """
    values = np.empty((len(frame), len(columns)), dtype=np.float32)
    for j, column in enumerate(columns):
        raw = frame[column]
        # a float64 beyond float32 would turn infinite, which the check below then names
        with np.errstate(over="ignore"):
            values[:, j] = pd.to_numeric(raw, errors="coerce").astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(values[:, j]))
        if len(bad):
            value = raw.iloc[bad[0]]
            fault = "the value is missing"
            if not pd.isna(value):
                fault = f"{str(value)!r} is not a finite number"
            if textfiles.COMMA.fullmatch(str(value)):
                fault += " (a decimal comma; write points in the file)"
            raise UserError(
                f"{place(bad[0], column)}: {fault} "
                f"({len(bad)} such {'cell' if len(bad) == 1 else 'cells'} in the column); {remedy}"
            )
    return values


def require(name, columns, key, source, what="column"):
    """Refuse a column, or layer, named in the config that the data do not have."""
    columns = [str(c) for c in columns]
    if name in columns:
        return
    near = difflib.get_close_matches(name, columns, 1, cutoff=0.5)
    hint = f"; did you mean  {key}: {near[0]}" if near else ""
    shown = ", ".join(columns[:60]) + (", ..." if len(columns) > 60 else "")
    raise UserError(
        f"{source}: there is no {what} {name!r}, which `{key}` of the dataset names{hint}. "
        f"{what.capitalize()}s are: {shown or 'none'}"
    )


def _some(index):
    return ", ".join("/".join(map(str, item)) for item in index[:3])
