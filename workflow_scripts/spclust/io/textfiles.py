"""Text files into data frames, with faults of a file in words."""

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from spclust.data import first_bytes
from spclust.errors import UserError

# rows that are parsed at once: the parser takes several times the memory of what it hands back
PIECE = 100_000
# a number as many languages write it
COMMA = re.compile(r"-?\d+,\d+(e-?\d+)?")


def parse(path, **options):
    """Read a delimited text file, packed or not (gzip, bzip2, xz, or alone in a zip archive).

    Parameters
    ----------
    path : path
    **options
        Of ``pandas.read_csv``.

    Returns
    -------
    DataFrame
        ``attrs['repeated']`` lists the names that the header has more than once.

    Raises
    ------
    UserError
        When the file is missing, empty, truncated, not in UTF-8 or no table.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    try:
        with first_bytes.opened(path) as file:
            first = file.readline()
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UserError(
                f'{path}: the text is in UTF-16, as Excel\'s "Unicode text"; save it as CSV in '
                "UTF-8, e.g. with  iconv -f utf-16 -t utf-8 old.csv > new.csv"
            )
        separator = chr(max(b",\t;", key=lambda mark: first.count(mark)))
        frame = _in_pieces(
            path,
            sep=separator,
            skip_blank_lines=False,
            low_memory=False,
            encoding="utf-8-sig",
            **options,
        )
        names = next(csv.reader([first.decode("utf-8-sig")], delimiter=separator), [])
        frame.attrs["repeated"] = [name for name, n in Counter(names).items() if n > 1]
        return frame
    except first_bytes.DAMAGED as error:
        raise UserError(
            f"{path}: the compressed file is truncated or damaged ({error}); copy it again"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: this is not a text table in UTF-8 (it holds the byte "
            f"0x{error.object[error.start]:02x}); if it was saved in another encoding, as Latin-1, "
            "save it as CSV in UTF-8, e.g. with  iconv -f latin1 -t utf-8 old.csv > new.csv"
        ) from error
    # what pandas says of bytes that are no table is not always a ParserError
    except (ValueError, OverflowError, csv.Error) as error:
        raise UserError(
            f"{path}: this is not a text table ({' '.join(str(error).split())}); "
            "a comma- or tab-separated table with one header line is expected"
        ) from error


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
