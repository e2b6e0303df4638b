"""Text tables, with every value's file and line remembered."""

import difflib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data import formats
from spclust.errors import UserError
from spclust.io import containers, labels, textfiles


class NoCells(UserError):
    """A table of a header only."""


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
    unit_of_length : str or None
        ``µm`` or ``px`` where the file says in which x and y are.
    renamed : dict of str to str
        Column to the name it stands for, where the file says it (``Dye 1`` of HALO).
    lost : list of (Table, str)
        Rows that reading left out, and why.
    """

    frame: pd.DataFrame
    origin: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    unit: str = "line"
    roles: dict = field(default_factory=dict)
    guessed: dict = field(default_factory=dict)
    repeated: frozenset = frozenset()
    unit_of_length: str | None = None
    renamed: dict = field(default_factory=dict)
    lost: list = field(default_factory=list)

    def place(self, row, column):
        """Where a value stands: file, line and column."""
        source = self.sources[self.origin[column]]
        file, line = source.iloc[row]
        if pd.isna(file):
            return f"{source['file'].dropna().iloc[0]}, no row of the cell, column {column!r}"
        line = int(line) if isinstance(line, float) else line
        return f"{file}, {self.unit} {line}, column {column!r}"

    def files(self):
        """Names of all files, for messages about the whole table."""
        found = (f for s in self.sources.values() for f in s["file"].dropna().unique())
        names = dict.fromkeys(map(str, found))
        return ", ".join(list(names)[:4]) + (", ..." if len(names) > 4 else "")

    def take(self, rows):
        """The table of these rows only; a row -1 is one of missing values."""
        return replace(
            self,
            frame=self.frame.reindex(rows).reset_index(drop=True),
            sources={k: s.reindex(rows).reset_index(drop=True) for k, s in self.sources.items()},
        )

    def without(self, rows, why):
        """The table without some rows (array of bool), which stay known as lost."""
        if not rows.any():
            return self
        kept = self.take(np.flatnonzero(~rows))
        return replace(kept, lost=[*self.lost, (self.take(np.flatnonzero(rows)), why)])

    def add(self, column, values, like):
        """A column that no file has, placed where another stands."""
        self.frame[column] = values
        self.origin[column] = self.origin[like]


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
    path = Path(path)
    state = path.stat() if path.is_file() else None
    return list(_header(path, state and (state.st_mtime_ns, state.st_size)))


# every reader asks for the header of every file
@lru_cache(maxsize=100_000)
def _header(path, state):
    return tuple(containers.parse(path, nrows=0).columns)


def with_columns(files, columns):
    """Files that are text tables with all of some columns; what is no table has none."""
    return [file for file in files if set(columns) <= set(header_if_any(file))]


def header_if_any(file):
    """Column names of a text table, none of what cannot be read as one."""
    try:
        return header(file) if formats.is_table(file) else []
    except UserError:
        return []


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
        raise NoCells(f"{path}: the table holds no cells, only a header; check the file")
    for column in frame.columns.intersection(list(text)):
        frame[column] = frame[column].str.strip()
    key = key or str(path)
    source = pd.DataFrame(
        {
            "file": pd.Categorical.from_codes(np.zeros(len(frame), np.int8), [str(path)]),
            "line": frame.index + frame.attrs["first"],
        }
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


def unique(table, on):
    """Refuse a table that names a cell twice by the columns ``on``."""
    twice = table.frame[on].duplicated(keep=False).to_numpy()
    if not twice.any():
        return
    rows, column = np.flatnonzero(twice), on[-1]
    names = table.frame.loc[rows, on].astype(str).agg("/".join, axis=1)
    first = rows[names == names.iloc[0]]
    lines = table.sources[table.origin[column]]["line"].iloc[first[:3]]
    apart = _column_apart(table.frame, on)
    hint = f"; with  image: {apart}  they are unique" if apart is not None else ""
    raise UserError(
        f"{table.place(first[0], column)}: the cell id {names.iloc[0]!r} is repeated "
        f"({table.unit} {', '.join(map(str, lines))}); {names.nunique()} ids are "
        f"({', '.join(names.unique()[:5])}). Make them unique, or name the column that is "
        f"unique as `cell_id`, and as `image` the image in which ids start anew{hint}"
    )


def _column_apart(frame, on):
    """A column of few values beside which ids do not repeat, or None."""
    for column in frame.columns.difference(on, sort=False):
        if frame[column].dtype.kind in "iuO" and frame[column].nunique() * 10 <= len(frame):
            if not frame.duplicated([*on, column]).any():
                return column
    return None


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
    # many columns at once, as columns one by one take long where there are thousands, but not all,
    # as they are copied in float64
    step = max(1, 2_000_000 // max(1, len(frame)))
    for start in range(0, len(columns), step):
        some = columns[start : start + step]
        part = frame[some]
        odd = part.select_dtypes(exclude=["number", "bool"]).columns
        part = part.assign(**{c: pd.to_numeric(part[c], errors="coerce") for c in odd})
        # a float64 beyond float32 would turn infinite, which the check below then names
        with np.errstate(over="ignore"):
            values[:, start : start + step] = part.to_numpy(np.float64, na_value=np.nan)
        bad = ~np.isfinite(values[:, start : start + step])
        if bad.any():
            j = int(bad.any(axis=0).argmax())
            _refuse(frame[some[j]], np.flatnonzero(bad[:, j]), place, remedy)
    return values


def _refuse(column, bad, place, remedy):
    """Refuse a column for the values of some rows, which are no finite numbers."""
    value = column.iloc[bad[0]]
    fault = "the value is missing"
    if not pd.isna(value):
        fault = f"{str(value)!r} is not a finite number"
    if textfiles.COMMA.fullmatch(str(value)):
        fault += " (a decimal comma; write points in the file)"
    raise UserError(
        f"{place(bad[0], column.name)}: {fault} "
        f"({len(bad)} such {'cell' if len(bad) == 1 else 'cells'} in the column); {remedy}"
    )


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
