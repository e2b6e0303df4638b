"""Text files into data frames, with faults of a file in words."""

import codecs
import csv
import io
import logging
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from spclust.data import first_bytes
from spclust.errors import UserError

log = logging.getLogger(__name__)

# rows that are parsed at once: the parser takes several times the memory of what it hands back
PIECE = 100_000
# lines, and letters in them, that tell how a table is laid out
HEAD, LETTERS = 40, 1_000_000
SEPARATORS = ",\t;|"
# a number as many languages write it, one that may be thousands in English, one with a point
COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
_POINT = re.compile(r"[-+]?\d*\.\d+(e[-+]?\d+)?", re.IGNORECASE)


# split at the wrong separator, the header of a wide table is one long field
csv.field_size_limit(2**31 - 1)


_SAID = set()


@dataclass(frozen=True)
class Layout:
    """How a text table is written.

    Attributes
    ----------
    separator : str
        A character, or the regular expression of blanks.
    decimal : str
        What stands in numbers for the decimal point.
    skipped : int
        Lines before the header.
    ends : bool
        Whether each row ends with a separator that the header does not have.
    repeated : list of str
        Names that the header has more than once.
    names : list of str or None
        Of the columns, where the header is of two lines.
    """

    separator: str
    decimal: str
    skipped: int
    ends: bool
    repeated: list
    names: list | None = None


def parse(path, nrows=None, dtype=None):
    """Read a delimited text file, packed or not (gzip, bzip2, xz, or alone in a zip archive).

    Separator, decimal comma, a line such as ``sep=;`` before the header and the encoding (UTF-8,
    UTF-16, Windows-1252) are seen from the first lines.

    Parameters
    ----------
    path : path
    nrows : int, optional
        Rows to read; left out, all.
    dtype : dict, optional
        Column to its type; columns that the table does not have are passed over.

    Returns
    -------
    DataFrame
        ``attrs['repeated']`` lists the names that the header has more than once,
        ``attrs['first']`` is the number of the line below the header.

    Raises
    ------
    UserError
        When the file is missing, empty, truncated or no table.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    try:
        try:
            return _parsed(path, _unicode(path), nrows, dtype)
        except UnicodeDecodeError as error:
            if not _is_text(path):
                raise
            if nrows is None:
                _say(
                    path,
                    "the text is not in UTF-8 (it holds the byte "
                    f"0x{error.object[error.start]:02x}) and is read as Windows-1252; where "
                    "letters come out wrong, save it in UTF-8",
                )
            return _parsed(path, "cp1252", nrows, dtype)
    except first_bytes.DAMAGED as error:
        raise UserError(
            f"{path}: the compressed file is truncated or damaged ({error}); copy it again"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: this is not a text table in UTF-8 (it holds the byte "
            f"0x{error.object[error.start]:02x}); if it was saved in another encoding, "
            "save it as CSV in UTF-8, e.g. with  iconv -f latin1 -t utf-8 old.csv > new.csv"
        ) from error
    # what pandas says of bytes that are no table is not always a ParserError
    except (ValueError, OverflowError, csv.Error) as error:
        raise UserError(
            f"{path}: this is not a text table ({' '.join(str(error).split())}); "
            "a comma- or tab-separated table with one header line is expected"
        ) from error


def _say(path, remark):
    """Say once what holds of one file of a folder, and mostly of the others beside it."""
    if (path.parent, remark) not in _SAID:
        _SAID.add((path.parent, remark))
        log.warning("%s: %s", path, remark)


def _parsed(path, encoding, nrows, dtype):
    with first_bytes.opened(path) as file, io.TextIOWrapper(file, encoding=encoding) as text:
        layout = _layout(path, _head(text))
    if layout.decimal == "," and nrows is None:
        _say(path, "its numbers have decimal commas and are read so (1,5 is 1.5)")
    frame = _in_pieces(
        path,
        nrows=nrows,
        dtype=dtype,
        sep=layout.separator,
        decimal=layout.decimal,
        skiprows=layout.skipped,
        index_col=False if layout.ends else None,
        **({"names": layout.names, "header": 0} if layout.names else {}),
        skip_blank_lines=False,
        skipinitialspace=True,
        low_memory=False,
        encoding=encoding,
    )
    frame.attrs |= {"repeated": layout.repeated, "first": layout.skipped + 2}
    return frame


def _head(text):
    lines, letters = [], 0
    for line in islice(text, HEAD):
        lines.append(line)
        letters += len(line)
        if letters > LETTERS and len(lines) > 2:
            break
    return lines


def _unicode(path):
    with first_bytes.opened(path) as file:
        utf_16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if utf_16 else "utf-8-sig"


def _is_text(path):
    """Whether the first bytes may be text of one byte a letter: few beyond ASCII, no controls."""
    with first_bytes.opened(path) as file:
        head = file.read(100_000)
    controls = bytes(range(9)) + bytes(range(14, 32))
    beyond = len(head) - len(head.translate(None, bytes(range(128, 256))))
    return not head.translate(None, bytes(set(range(256)) - set(controls))) and (
        beyond * 10 < len(head)
    )


def _layout(path, lines):
    """Layout of a table, from its first lines."""
    if lines and lines[0].startswith("\ufeff"):  # behind `sep=`, Excel writes a second one
        lines[0] = lines[0][1:]
    skipped = next((i for i, line in enumerate(lines) if line.strip()), 0)
    said = re.fullmatch(r'"?sep=(.)"?\s*', lines[skipped], re.IGNORECASE) if lines else None
    skipped += said is not None
    lines = [line for line in lines[skipped:] if line.strip()]
    if not lines:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    separator = said[1] if said else _separator(path, lines)
    blanks = {"\\s+": " "}
    names, *rows = csv.reader(
        (line.strip() if separator in blanks else line for line in lines),
        delimiter=blanks.get(separator, separator),
        skipinitialspace=True,
    )
    two = _of_two_lines(names, rows)
    names = two or names
    return Layout(
        separator,
        "," if separator != "," and _with_commas(rows) else ".",
        skipped + bool(two),
        bool(rows) and all(len(row) == len(names) + 1 and not row[-1] for row in rows),
        [name for name, n in Counter(names).items() if n > 1],
        two,
    )


def _of_two_lines(names, rows):
    """Names of columns where CellProfiler wrote the objects that they are of in a line above."""
    if "ImageNumber" in names or not rows or not {"ImageNumber", "ObjectNumber"} <= {*rows[0]}:
        return None
    return [name if of == "Image" else f"{of}_{name}" for of, name in zip(names, rows[0])]


def _with_commas(rows):
    """Whether numbers have decimal commas, and none a point."""
    fields = [field.strip() for row in rows for field in row if "," in field or "." in field]
    commas = [field for field in fields if COMMA.fullmatch(field)]
    return any(not _THOUSANDS.fullmatch(field) for field in commas) and not any(
        _POINT.fullmatch(field) for field in fields
    )


def _separator(path, lines):
    """What parts the header, and the rows alike, into the most fields."""
    widths = {
        mark: [len(row) for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)]
        for mark in SEPARATORS
        if any(mark in line for line in lines)
    }
    # a row may have a name, or a separator at its end, that the header does not count
    alike = [m for m, (n, *rows) in widths.items() if n > 1 and {*rows} <= {n, n + 1}]
    best = max(alike or widths, key=lambda mark: widths[mark][0], default=None)
    if best and widths[best][0] > 1:
        return best
    n, *rows = (
        len(next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True)))
        for line in lines
    )
    if n > 1 and {*rows} <= {n, n + 1}:
        return "\\s+"
    # a line before the header, which is answered once the rows are read
    best = max(widths, key=lambda mark: widths[mark][-1], default=None)
    if best and widths[best][-1] > 1:
        return best
    first = lines[0].strip()
    raise UserError(
        f"{path}: this is not a text table whose separator can be told from its first lines "
        f"({first[:60]!r}{' ...' if len(first) > 60 else ''}): no comma, tab, semicolon, bar (|) "
        "or blanks part them into columns; save it as CSV, or write what parts them into a line "
        "before the header, e.g.  sep=:"
    )


def _in_pieces(path, nrows=None, dtype=None, **options):
    """``pandas.read_csv`` piece by piece, with what it would make of the whole."""
    with first_bytes.opened(path) as file:
        if nrows is not None:
            return pd.read_csv(file, nrows=nrows, dtype=dtype, **options)
        parts = list(pd.read_csv(file, chunksize=PIECE, dtype=dtype, **options))
    if len(parts) == 1:
        return parts[0]
    types = {column: {part[column].dtype.kind for part in parts} for column in parts[0]}
    # numbers in one piece and text in another: text, as of the whole
    mixed = {column: str for column, kinds in types.items() if len(kinds) > 1 and kinds & {*"Ob"}}
    if mixed:
        del parts
        return _in_pieces(path, dtype=(dtype or {}) | mixed, **options)
    return pd.concat(parts)
