"""The user's sheet of samples: a CSV or TSV table with a row for each image or slice.

Which row is of which image is told by :mod:`spclust.io.samples`; here the file is read and its
columns are known by their names. Imported by Snakemake itself, which takes pixel sizes from it, so
it may use the standard library only.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from spclust.errors import UserError

AREA, PIXEL_SIZE = "area", "pixel_size"
# how else columns that have a unit are called, without case, spaces and punctuation
_WITH_UNIT = {
    AREA: {"area", "areamm2", "areamm", "tissueareamm2", "tissueareamm"},
    PIXEL_SIZE: {"pixelsize", "pixelsizeum", "pixelsizem", "umperpixel", "mpp"},
}
SLICE_NAMES = {"slice", "sliceid", "slicename", "dataset"}
IMAGE_NAMES = set(
    "image imageid imagename sample sampleid samplename name file filename fov roi core region "
    "slide acquisition".split()
)
MISSING = {"", "NA", "N/A", "#N/A", "NaN", "nan", "null"}


@dataclass(frozen=True)
class Sheet:
    """Rows as text; what is missing is ``''``.

    Attributes
    ----------
    path : str
        For messages.
    columns : list of str
        As in the file, but ``area`` (in mm²) and ``pixel_size`` (µm) by these names.
    rows : list of list of str
    lines : list of int
        Of the file, each row's; empty where only a part of the sheet was handed on.
    """

    path: str
    columns: list
    rows: list
    lines: list

    def values(self, column):
        """A column from top to bottom, list of str."""
        at = self.columns.index(column)
        return [row[at] for row in self.rows]

    def place(self, row):
        """Words for where a row stands."""
        return f"{self.path}, line {self.lines[row]}" if self.lines else self.path

    def naming(self):
        """Columns that may name images or slices: by what they are called, else all."""
        known = [c for c in self.columns if plain(c) in IMAGE_NAMES | SLICE_NAMES]
        return known or [c for c in self.columns if c not in (AREA, PIXEL_SIZE)]

    def only(self, columns):
        """The sheet of these columns, its rows in the order of their values."""
        chosen = sorted([row[self.columns.index(c)] for c in columns] for row in self.rows)
        return Sheet(self.path, list(columns), chosen, [])


def plain(name):
    """A column's name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read(path):
    """Read a sheet.

    Parameters
    ----------
    path : path

    Returns
    -------
    Sheet

    Raises
    ------
    UserError
        When it is missing or no text table, names a column twice or none, or an area or a pixel
        size is no positive number.
    """
    columns, *rows = _table(path)
    while columns[-1] == "":  # as spreadsheets leave them; a value below is refused
        columns.pop()
    for column in columns:
        if not column:
            raise UserError(f"{path}: the column {columns.index('') + 1} has no name; give it one")
        if columns.count(column) > 1:
            raise UserError(
                f"{path}: two columns are called {column!r}; rename or remove one of them"
            )
    if not rows:
        raise UserError(f"{path}: it has a header and no rows; write a row for each image")
    rows = {line: _fields(row, columns, f"{path}, line {line}") for line, row in rows}
    sheet = Sheet(str(path), columns, list(rows.values()), list(rows))
    for column in (AREA, PIXEL_SIZE):
        if column in columns:
            for row, value in enumerate(sheet.values(column)):
                positive(value, f"{sheet.place(row)}, column {column!r}")
    return sheet


def positive(value, where):
    """A number above 0 from its text, None where it is missing.

    Raises
    ------
    UserError
    """
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        remedy = "leave it empty where it is not known"
        if re.fullmatch(r"\d+,\d+", value):
            remedy = f"write it with a point, {value.replace(',', '.')}"
        raise UserError(f"{where}: {value!r} is not a number above 0; {remedy}")
    return number


def with_pixel_sizes(path):
    """What of a sheet decides about coordinates: names and pixel sizes; None without these.

    Parameters
    ----------
    path : path

    Returns
    -------
    Sheet or None
        With no line numbers, so that it stays the same where other columns change.
    """
    sheet = read(path)
    if PIXEL_SIZE not in sheet.columns or not any(sheet.values(PIXEL_SIZE)):
        return None
    return sheet.only([*sheet.naming(), PIXEL_SIZE])


def _table(path):
    """Names of the columns, then (line, fields) of each row that is not empty."""
    if str(path).lower().endswith((".xlsx", ".xls", ".ods")):
        raise UserError(f"{path}: save the sheet as CSV, and name that as  samples:")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(
            f"{path}: this is not a text table in UTF-8; save it as CSV in UTF-8, e.g. with  "
            "iconv -f latin1 -t utf-8 old.csv > new.csv"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); correct  samples:") from error
    first = text.partition("\n")[0]
    separator = max(",\t;", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    rows = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    rows = [(line, row) for line, row in rows if any(row)]
    if not rows:
        raise UserError(f"{path}: the file is empty; write a header and a row for each image")
    return [list(map(_canonical, rows[0][1])), *rows[1:]]


def _canonical(column):
    return next((name for name, known in _WITH_UNIT.items() if plain(column) in known), column)


def _fields(row, columns, where):
    """Values of a row, as many as there are columns."""
    if len(row) > len(columns) and any(row[len(columns) :]):
        raise UserError(
            f"{where}: it has {len(row)} values and the header {len(columns)} names; put values "
            "that hold a separator in quotes, or name the columns"
        )
    row = [*row, *[""] * len(columns)][: len(columns)]
    return ["" if value in MISSING else value for value in row]
