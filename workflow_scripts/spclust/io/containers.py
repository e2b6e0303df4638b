"""Tables as data frames, whatever file they come in: text, parquet, feather or Excel."""

import logging
import warnings
from collections import Counter
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data import first_bytes
from spclust.errors import UserError
from spclust.io import textfiles

log = logging.getLogger(__name__)


def parse(path, nrows=None, dtype=None):
    """Read a table; its kind is told by its first bytes.

    Parameters
    ----------
    path : path
    nrows : int, optional
        Read so many rows; 0 for the names of the columns.
    dtype : dict of str to type, optional
        Columns kept as text.

    Returns
    -------
    DataFrame
        Of one file kind like of any other: numbers, true and false, and text. In ``attrs``,
        ``repeated`` lists the names that the header has more than once, ``unit`` says what a row
        is called and ``first`` which number the first one has.

    Raises
    ------
    UserError
        When the file is missing, empty, damaged or no table, or a package is needed to read it.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    kind = first_bytes.of(path)
    if kind == first_bytes.TEXT:
        frame = textfiles.parse(path, nrows=nrows, dtype=dtype)
        frame.attrs["unit"] = "line"
        return frame
    if kind == first_bytes.HDF5:
        raise UserError(
            f"{path}: this is an HDF5 file, not a table; where it is an AnnData write  "
            "format: h5ad  in the dataset's entry"
        )
    package = "openpyxl" if kind == first_bytes.EXCEL else "pyarrow"
    need(package, path, kind)
    try:
        frame = (_excel if package == "openpyxl" else _arrow)(path, kind, nrows, dtype or {})
    except UserError:
        raise
    # each library has its own errors for a damaged file
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{path}: the {kind} file is truncated or damaged ({reason}); copy it again"
        ) from error
    return frame


def need(package, path, kind):
    """Refuse to read a file for which a package is not there, with the line that installs it."""
    if find_spec(package) is None:
        raise UserError(
            f"{path}: to read {kind} the package {package} is needed; install it with  pip "
            f"install {package}  or save the table as CSV"
        )


def _arrow(path, kind, nrows, dtype):
    import pyarrow
    import pyarrow.parquet
    from pyarrow import feather

    if kind == first_bytes.PARQUET:
        file = pyarrow.parquet.ParquetFile(path)
        table = file.schema_arrow.empty_table() if nrows == 0 else file.read(use_threads=False)
    else:
        table = feather.read_table(path, memory_map=False, use_threads=False)
    if nrows is not None:
        table = table.slice(0, nrows)
    twice = [name for name, n in Counter(table.column_names).items() if n > 1]
    if twice:
        raise UserError(f"{path}: more than one column is called {twice[0]!r}; rename them")
    frame = table.to_pandas(
        split_blocks=True, self_destruct=True, date_as_object=False, use_threads=False
    )
    del table
    # names of rows that were kept as an index are a column, called as pandas does in a CSV
    if frame.index.names != [None] or not isinstance(frame.index, pd.RangeIndex):
        names = [name or f"Unnamed: {i}" for i, name in enumerate(frame.index.names)]
        frame = frame.reset_index(names=names)
    frame.columns = frame.columns.map(str)
    frame = _plain(frame, path, dtype)
    frame.attrs = {"repeated": [], "unit": "row", "first": 1}
    return frame


def _excel(path, kind, nrows, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and the like, which are not read
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheet = _sheet(path, book)
            names = book.parse(sheet, header=None, nrows=1)
            frame = book.parse(sheet, nrows=nrows, dtype=dtype)
    names = [] if names.empty else names.iloc[0].dropna().astype(str)
    frame.columns = frame.columns.map(str)
    frame = _plain(frame, path, dtype)
    repeated = [name for name, n in Counter(names).items() if n > 1]
    frame.attrs = {"repeated": repeated, "unit": "row", "first": 2}
    return frame


def _sheet(path, book):
    """The sheet of cells: the one that holds more than two columns."""
    wide = [n for n in book.sheet_names if book.parse(n, header=None, nrows=2).shape[1] > 2]
    if len(wide) > 1:
        raise UserError(
            f"{path}: {len(wide)} sheets ({', '.join(wide[:8])}) may hold the cells; save the "
            "right one as CSV, or in a workbook of its own, and name that as  path:"
        )
    if not wide:
        raise UserError(f"{path}: no sheet holds a table of cells; save the table there as CSV")
    if len(book.sheet_names) > 1:
        log.warning("%s: of its %d sheets %r is read", path, len(book.sheet_names), wide[0])
    return wide[0]


def _plain(frame, path, texts):
    """Columns as a CSV would have them: numbers, true and false, text."""
    columns, left_out = {}, []
    for column, values in frame.items():
        first = values.first_valid_index()
        one = None if first is None else values[first]
        if isinstance(one, bytes):
            try:
                values = values.map(bytes.decode, na_action="ignore")
            except UnicodeDecodeError:
                left_out.append(column)
                continue
        elif isinstance(one, list | dict | tuple | np.ndarray):
            left_out.append(column)
            continue
        elif isinstance(one, Decimal):
            values = values.astype(float)
        columns[column] = _as_text(values) if column in texts else _of_plain_type(values)
    if left_out:
        log.warning(
            "%s: left out, because they hold lists or shapes: %s", path, ", ".join(left_out[:20])
        )
    return pd.DataFrame(columns, index=frame.index, copy=False)


def _of_plain_type(values):
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufO":
        return values
    # pandas' own numbers, which may be missing
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.astype(float)
    return _as_text(values)


def _as_text(values):
    text = values.astype("string")
    return text.astype(object).where(text.notna(), np.nan)
