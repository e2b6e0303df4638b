"""Fetching files: mirrored, resumed after a break, retried, and checked before they are used."""

import gzip
import hashlib
import http.client
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from spclust.errors import UserError

log = logging.getLogger(__name__)

CHUNK = 1 << 18  # bytes
TIMEOUT = 60  # seconds without a byte
_LATER = {408, 425, 429, 500, 502, 503, 504}  # answers that may be better next time


def fetch(target, mirror, url, sha256, bytes=None, tries=5, wait=2.0):
    """Put a file in place, from a mirror folder, this machine or the network.

    The file grows as ``<target>.part`` beside the target. A broken download leaves the part, so
    that the next try, or the next run, asks for the rest only. The target appears once size and
    checksum are right.

    Parameters
    ----------
    target : path
        ``.../<dataset>/download/<name>``.
    mirror : path or None
        Folder searched first for ``<dataset>/<name>`` and ``<name>``, as they are or with ``.gz``.
    url : str
        ``http``, ``https`` or ``file``.
    sha256 : str
        Checksum, 64 hexadecimal digits.
    bytes : int, optional
        Size.
    tries : int
        How often the network is asked.
    wait : float
        Seconds before the second try, doubled before each further one.

    Raises
    ------
    UserError
        When no copy can be had, or one with another checksum; says what to put where.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    if mirror is not None and _from_mirror(Path(mirror), target, part, sha256, bytes):
        return
    parts = urlsplit(url)
    if parts.scheme == "file":
        source = Path(urllib.request.url2pathname(parts.path))
        if not source.is_file():
            raise UserError(_by_hand(target, url, sha256, "there is no such file"))
        _copy(source, part)
    else:
        _download(target, part, url, sha256, bytes, tries, wait)
    fault = _fault(part, sha256, bytes)
    if fault:
        part.unlink()
        raise UserError(
            f"{url}: {fault}. What came was removed. If the file was changed on purpose, correct "
            "sha256 (and bytes) of the dataset; otherwise run again or get the file elsewhere"
        )
    os.replace(part, target)
    log.info("%s is in place (%d bytes, checksum right)", target, target.stat().st_size)


def _from_mirror(mirror, target, part, sha256, size):
    """Take the file from the mirror if a right copy is there; say whether it was."""
    if not mirror.is_dir():
        raise UserError(f"mirror: there is no folder {mirror}; correct `mirror`, or set it to null")
    dataset = target.parent.parent.name
    for name in (target.name, f"{target.name}.gz"):
        for source in (mirror / dataset / name, mirror / name):
            if not source.is_file():
                continue
            # a part of a broken download is not touched by a copy
            copy = part.with_name(f"{target.name}.copy")
            try:
                _copy(source, copy, unpack=name != target.name)
                fault = _fault(copy, sha256, size)
                if not fault:
                    os.replace(copy, target)
                    part.unlink(missing_ok=True)
                    log.info("%s was taken from the mirror, %s", target, source)
                    return True
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                fault = f"the compressed file is truncated or damaged ({error})"
            finally:
                copy.unlink(missing_ok=True)
            log.warning("%s in the mirror is not used: %s", source, fault)
    return False


def _copy(source, target, unpack=False):
    with gzip.open(source) if unpack else source.open("rb") as inside, target.open("wb") as out:
        shutil.copyfileobj(inside, out, CHUNK)


def _fault(path, sha256, size):
    """What is wrong with a whole file, or None."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    if checksum == sha256:
        return None
    text = f"expected the SHA-256 {sha256}, actual is {checksum}"
    if size is not None and n_bytes != size:
        text += f"; expected {size} bytes, actual are {n_bytes}"
    return text


def _by_hand(target, url, sha256, cause):
    dataset = target.parent.parent.name
    return (
        f"{url} could not be fetched: {cause}. Get this file (SHA-256 {sha256}) on another way and "
        f"put it at {target}, or at {dataset}/{target.name} in a folder named by `mirror` in the "
        "config (then its checksum is looked at), and run again"
    )


def _download(target, part, url, sha256, size, tries, wait):
    """Grow the part until it is whole."""
    for attempt in range(1, tries + 1):
        resumed = part.exists()
        try:
            _receive(url, part, sha256, size)
            if not (resumed and attempt < tries and _fault(part, sha256, size)):
                return
            # the part may have begun as another file
            log.warning("%s: the resumed file is wrong, starting anew", url)
            part.unlink()
            continue
        except urllib.error.HTTPError as error:
            cause, last = f"the server answered {error.code} {error.reason}", error
            if error.code not in _LATER:
                break
        except (OSError, http.client.HTTPException) as error:
            cause, last = str(getattr(error, "reason", error)) or type(error).__name__, error
        if attempt < tries:
            log.warning("%s: try %d of %d failed (%s)", url, attempt, tries, cause)
            time.sleep(wait * 2 ** (attempt - 1))
    raise UserError(_by_hand(target, url, sha256, cause)) from last


def _receive(url, part, sha256, size):
    """Ask for what is missing of the part, and append it."""
    from tqdm import tqdm

    start = part.stat().st_size if part.exists() else 0
    if start and size is not None and start >= size:
        if not _fault(part, sha256, size):
            return
        log.warning("%s is whole but wrong, starting anew", part)
        part.unlink()
        start = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        # nothing lies beyond the part: it is whole, or of another file
        if error.code == 416 and start and not _fault(part, sha256, size):
            return
        if error.code == 416:
            part.unlink(missing_ok=True)
            raise ConnectionError("the part did not fit the file") from error
        raise
    with response:
        begins = f"bytes {start}-"
        if start and (
            response.status != 206
            or not response.headers.get("Content-Range", "").startswith(begins)
        ):
            log.info("%s: the server cannot resume, starting anew", url)
            start = 0
            if response.status == 206:
                part.unlink()
                raise ConnectionError("the server sent another part than asked for")
        length = response.headers.get("Content-Length")
        expected = size if length is None else start + int(length)
        if start:
            log.info("%s: resumed at %d of %s bytes", url, start, expected)
        with (
            part.open("ab" if start else "wb") as file,
            # quiet where nobody watches
            tqdm(
                total=expected,
                initial=start,
                unit="B",
                unit_scale=True,
                desc=part.stem,
                disable=None,
            ) as bar,
        ):
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    # http.client ends quietly when the connection does
    n_bytes = part.stat().st_size
    if expected is not None and n_bytes < expected:
        raise ConnectionError(f"the connection broke after {n_bytes} of {expected} bytes")
