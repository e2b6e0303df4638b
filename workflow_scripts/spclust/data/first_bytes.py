"""What a file is by its first bytes, whatever its name says.

Imported by Snakemake itself, so it may use the standard library only.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from pathlib import Path

from spclust.errors import UserError

PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# what reading a damaged packed file raises
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, OSError)
LOOK = 1024

# kinds that this library reads; "text" is whatever is none of all these
PARQUET, FEATHER, EXCEL, HDF5, TEXT = "parquet", "feather", "Excel", "HDF5", "text"

_OBJECT = (
    "in R  zellkonverter::writeH5AD(object, 'cells.h5ad')  of a SingleCellExperiment or "
    "SpatialExperiment, or  write.csv(object, 'cells.csv', row.names = FALSE)  of a table"
)
_SEGMENT = "segment it, and export one row a cell (mcmicro, QuPath, steinbock or another program)"
_SAVE = "save the table of cells as CSV or xlsx there"
_MEASUREMENTS = "in QuPath  Measure > Export measurements, of cells, as CSV"
_AGAIN = "download or copy the file itself again"
_UNPACK = "unpack it, and name the files in it as  path:"
# what is not read: how it begins, what it is, and what to export instead
_OTHERS = [
    *(
        (
            begin,
            "an FCS file",
            "export its events, with the columns of places, as CSV: in R  write.csv(flowCore::"
            "exprs(flowCore::read.FCS('cells.fcs', transformation = FALSE)), 'cells.csv', "
            "row.names = FALSE)  or in Python with the package flowio",
        )
        for begin in (b"FCS2.0", b"FCS3.0", b"FCS3.1", b"FCS3.2")
    ),
    *((begin, "an R object (RDS)", _OBJECT) for begin in (b"X\n\0\0", b"A\n2\n", b"A\n3\n")),
    *(
        (begin, "an R workspace (RData)", f"load() it, then {_OBJECT}")
        for begin in (b"RDX2", b"RDX3", b"RDA2", b"RDA3")
    ),
    (b"\x89PNG", "an image (PNG)", _SEGMENT),
    (b"\xff\xd8\xff", "an image (JPEG)", _SEGMENT),
    *((begin, "an image (TIFF)", _SEGMENT) for begin in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"ZISRAWFILE", "an image (CZI)", _SEGMENT),
    (b"%PDF", "a PDF", "take the table from where it was printed, as CSV"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table of cells, one row a cell, as CSV",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file (.xls) or a locked one",
        _SAVE,
    ),
    (b"\xac\xed\0\x05", "Java's own data, as QuPath keeps (.qpdata)", _MEASUREMENTS),
    *(
        (begin, "JSON, as a QuPath project or GeoJSON", _MEASUREMENTS)
        for begin in (b"{", b"[{", b"[\n")
    ),
    *(
        (begin, "a MATLAB file", "in MATLAB  writetable(cells, 'cells.csv')")
        for begin in (b"MATLAB 5.0 MAT", b"MATLAB 7.3 MAT")
    ),
    (b"\x93NUMPY", "a NumPy array", "write it with the names of its columns as CSV"),
    *(
        (
            b"\x80" + bytes([n]),
            "a Python pickle",
            "write it by  .to_csv('cells.csv')  of a "
            "DataFrame or  .write_h5ad('cells.h5ad')  of an AnnData",
        )
        for n in (2, 3, 4, 5)
    ),
    (
        b"%%MatrixMarket",
        "a matrix without names and places",
        "take the h5 file beside it (of Xenium cell_feature_matrix.h5), or write an h5ad",
    ),
    (b"\xff\xff\xff\xff", "an Arrow stream", "write it as parquet or Arrow file"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it with  unzstd"),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, not the file",
        "fetch it with  git lfs pull",
    ),
    *(
        (begin, "a web page, not a table", _AGAIN)
        for begin in (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML")
    ),
    (b"<?xml", "XML", "export one row a cell as CSV from the program that wrote it"),
]
_TAR = 257, b"ustar"
# parts of zip archives that are none
_OFFICE = {
    "word/": "a Word file",
    "ppt/": "a PowerPoint file",
    "xl/workbook.bin": "a binary workbook (.xlsb)",
    "Index/": "a file of Apple's Numbers",
}


def of(path):
    """What a file is.

    Parameters
    ----------
    path : path
        Of a file that is there.

    Returns
    -------
    str
        ``parquet``, ``feather``, ``Excel``, ``HDF5``, ``text`` (which may be packed, see
        :func:`opened`), of what this library reads.

    Raises
    ------
    UserError
        Of anything else, with what to export instead; and where a packed file is damaged.
    """
    path = Path(path)
    with path.open("rb") as file:
        first = file.read(LOOK)
    if first.startswith(ZIP):
        return _zipped(path)
    if _packing(first):
        try:
            with opened(path) as file:
                first = file.read(LOOK)
        except DAMAGED as error:
            raise UserError(
                f"{path}: the compressed file is truncated or damaged ({error}); copy it again"
            ) from error
        kind = _kind(path, first)
        if kind != TEXT:
            raise UserError(f"{path}: this is a packed {kind} file; unpack it, e.g. with  gunzip")
        return kind
    return _kind(path, first)


def opened(path):
    """A file as bytes, unpacked; of a zip archive the one file in it.

    Parameters
    ----------
    path : path

    Returns
    -------
    file
        To be read and closed.

    Raises
    ------
    UserError
        When a zip archive holds not one file, or is locked; damage shows as ``DAMAGED``.
    """
    with Path(path).open("rb") as file:
        first = file.read(8)
    if not first.startswith(ZIP):
        return (_packing(first) or open)(path, "rb")
    with zipfile.ZipFile(path) as archive:
        inside = _members(archive)
        if len(inside) != 1:
            raise UserError(
                f"{path}: the archive holds {len(inside)} files ({', '.join(inside[:5])}), one "
                "is read; unpack it, and name the files of cells as  path:"
            )
        if archive.getinfo(inside[0]).flag_bits & 1:
            raise UserError(f"{path}: the archive is locked by a password; {_UNPACK}")
        return archive.open(inside[0])


def _packing(first):
    return next((unpack for begin, unpack in PACKED.items() if first.startswith(begin)), None)


def _kind(path, first):
    if first.startswith(b"PAR1"):
        return PARQUET
    if first.startswith((b"ARROW1", b"FEA1")):
        return FEATHER
    if first.startswith(b"\x89HDF\r\n\x1a\n"):
        return HDF5
    begin = first.lstrip(b"\xef\xbb\xbf \t\r\n") if first[:1] in b"\xef \t\r\n" else first
    for mark, what, remedy in _OTHERS:
        if begin.startswith(mark):
            raise UserError(f"{path}: this is {what}, which is not read; {remedy}")
    if first[_TAR[0] :].startswith(_TAR[1]):
        raise UserError(f"{path}: this is a tar archive, which is not read; {_UNPACK}")
    return TEXT


def _zipped(path):
    """What a zip archive is: Excel, or one packed table."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            inside = _members(archive)
    except DAMAGED as error:
        raise UserError(
            f"{path}: the archive is truncated or damaged ({error}); copy it again"
        ) from error
    for folder, what in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            raise UserError(f"{path}: this is {what}, which is not read; {_SAVE}")
    if "[Content_Types].xml" in names:
        return EXCEL
    if "mimetype" in names:
        raise UserError(f"{path}: this is an OpenDocument file, which is not read; {_SAVE}")
    if any(name.endswith((".zgroup", "zarr.json")) for name in names):
        raise UserError(f"{path}: this is a packed Zarr store; unpack it, and name the folder")
    if inside and all(name.endswith(".npy") for name in inside):
        raise UserError(
            f"{path}: these are NumPy arrays, which are not read; write them with the names of "
            "their columns as CSV"
        )
    with opened(path) as file:
        kind = _kind(path, file.read(LOOK))
    if kind != TEXT:
        raise UserError(f"{path}: this is a packed {kind} file; unpack it, and name what was in it")
    return kind


def _members(archive):
    """Files of an archive, without what macOS puts beside them."""
    return [
        name
        for name in archive.namelist()
        if not name.endswith("/") and "__MACOSX" not in name and not name.endswith(".DS_Store")
    ]
