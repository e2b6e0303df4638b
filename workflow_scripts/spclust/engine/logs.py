"""Logging of one job: everything into the rule's log, one line for the user on a failure."""

import logging
import os
import re
import resource
import signal
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from spclust.engine import failures
from spclust.errors import UserError

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# how a training ends that a signal stopped
_STOPPED = {128 + number: number.name for number in (signal.SIGINT, signal.SIGTERM)}


@contextmanager
def job(log_path, rule):
    """Run the body of an adapter with its log open.

    Messages of this package and Python warnings go to ``log_path``; warnings and above of this
    package, and what it marks as ``for_user``, are shown on the terminal too. When the body
    fails, the traceback is in the log, the cause beside it (:mod:`spclust.engine.failures`), and
    the terminal gets one line: rule, cause, log. The process then ends with exit code 1.

    Parameters
    ----------
    log_path : path
    rule : str
        Name of the rule, for the terminal line.

    Yields
    ------
    logging.Logger
    """
    to_file = _log_file(log_path)
    failures.forget(log_path)
    to_file.setFormatter(logging.Formatter(_FORMAT))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.addFilter(_is_for_user)
    to_terminal.setFormatter(logging.Formatter(f"{rule}: %(message)s"))
    logging.captureWarnings(True)
    warnings.simplefilter("once")
    logging.getLogger("py.warnings").addHandler(to_file)
    log = logging.getLogger("spclust")
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(to_file)
    log.addHandler(to_terminal)
    started = time.monotonic()
    try:
        yield log
        log.info(
            "done in %.1f s, %.2f s of the processor with all imports, peak memory %.0f MB",
            time.monotonic() - started,
            sum(os.times()[:4]),
            peak_memory(),
        )
    except Exception as error:
        # the handler of the terminal would repeat the traceback there
        log.removeHandler(to_terminal)
        log.exception("failed")
        refused = isinstance(error, UserError)
        cause = str(error) if refused else f"{type(error).__name__}: {error}"
        failures.record(log_path, rule, cause, refused)
        print(f"\nERROR in {rule}: {cause}\n  log: {log_path}\n", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except SystemExit as end:
        if end.code in _STOPPED:
            cause = f"interrupted by {_STOPPED[end.code]}; the log says what is kept"
            failures.record(log_path, rule, cause, refused=False)
        raise
    finally:
        logging.captureWarnings(False)
        log.setLevel(level)
        for handler in (to_file, to_terminal):
            log.removeHandler(handler)
        logging.getLogger("py.warnings").removeHandler(to_file)
        with suppress(OSError):
            to_file.close()


class _LogFile(logging.FileHandler):
    """A log that a full disk cuts short: one line of it on the terminal, the job goes on."""

    told = False

    def handleError(self, record):
        if not self.told:
            print(f"{self.baseFilename}: the log cannot be written", file=sys.stderr, flush=True)
        self.told = True


def _log_file(path):
    """The log's handler, or one that drops everything where the log cannot be opened."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, mode="w", encoding="utf-8")
    except OSError as error:
        print(f"{path}: the log cannot be written ({error})", file=sys.stderr, flush=True)
        return logging.NullHandler()


def _is_for_user(record):
    """Warnings and above, and what a module marks with ``extra={"for_user": True}``."""
    return record.levelno >= logging.WARNING or getattr(record, "for_user", False)


def duration(seconds):
    """A time as one says it: ``0.43 s``, ``104 s``, ``35 minutes``, ``2.5 hours``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def taken(seconds):
    """What a job took so far, as ``cost.json`` has it: time, and peak memory in MB."""
    return {"seconds": round(seconds, 3), "peak_memory_mb": round(peak_memory(), 1)}


def peak_memory():
    """Largest resident memory of this process so far, in MB."""
    # where it is told; getrusage begins with the peak of the process that started this one
    status = Path("/proc/self/status")
    line = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    if line:
        return int(line[1]) / (1 << 10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # bytes on macOS, kilobytes on Linux
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
