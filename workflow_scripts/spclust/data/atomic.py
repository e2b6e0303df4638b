"""Files and folders that are there whole or not at all."""

import errno
import glob
import json
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

from spclust.errors import UserError


@contextmanager
def atomic(path):
    """Yield a temporary name in the target's folder; rename it to ``path`` on success.

    A body that fails or is killed leaves ``path`` as it was. What a killed one left of its
    temporary file is removed by the next.

    Raises
    ------
    UserError
        When the disk is full.
    """
    path = Path(path)
    # the suffixes stay, writers choose compression and format by them
    temporary = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        _explain_full(error, path, temporary)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder):
    """Yield a temporary folder that replaces ``folder`` on success; see :func:`atomic`."""
    folder = Path(folder)
    temporary = folder.with_name(f".part-{os.getpid()}-{folder.name}")
    try:
        _sweep(folder)
        temporary.mkdir(parents=True)
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except OSError as error:
        _explain_full(error, folder, temporary)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(path):
    """Remove what killed jobs left half-written; a target is made by one job at a time."""
    for part in path.parent.glob(f".part-*-{glob.escape(path.name)}"):
        if re.fullmatch(r"\.part-\d+-", part.name.removesuffix(path.name)):
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink()


def _explain_full(error, path, temporary):
    """Raise a UserError in place of what a library says when the disk is full."""
    free = shutil.disk_usage(_existing(path.parent)).free
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    # numpy and HDF5 do not always hand on the number of the error
    if not full and free > 1 << 20:
        return
    files = temporary.rglob("*") if temporary.is_dir() else [temporary]
    written = sum(file.stat().st_size for file in files if file.is_file())
    raise UserError(
        f"{path}: the disk is full (or a quota is), {free / 1e6:.0f} MB are free. The file needs "
        f"more than {(written + free) / 1e6:.0f} MB; free several times as much, or move results/ "
        "to another disk, and run the same command with --rerun-incomplete: finished stages stay"
    ) from error


def _existing(folder):
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def write_table(table, path, index=False):
    """Write a data frame atomically, comma- or tab-separated by the file's suffix."""
    with atomic(path) as temporary:
        separator = "\t" if Path(path).suffix == ".tsv" else ","
        table.to_csv(temporary, sep=separator, index=index)


def write_json(value, path):
    """Write what JSON can hold atomically, keys sorted."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
