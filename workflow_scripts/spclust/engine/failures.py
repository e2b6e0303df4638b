"""What failed jobs left in their logs, for the end of a run and for the question of a second try.

Imported by Snakemake itself, so it may use the standard library only.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_LAST = re.compile(r"^\S+ \S+ ERROR spclust: (\w+) (refused|failed): (.*)\Z", re.M | re.S)
_STOPPED = re.compile(r"^\S+ \S+ WARNING \S+: (interrupted by .*)\Z", re.M)
_TAIL = 20_000  # bytes; a traceback stands before what is looked for


@dataclass(frozen=True)
class Failure:
    """The end of the log of a job that failed.

    Attributes
    ----------
    rule, cause : str
    refused : bool
        A :class:`~spclust.errors.UserError`, which no second try mends.
    log : str
    """

    rule: str
    cause: str
    refused: bool
    log: str

    def __str__(self):
        return f"ERROR in {self.rule}: {self.cause}\n  log: {self.log}"


def record(rule, cause, refused):
    """The text of a log's last record, by which the failure is found again."""
    return f"{rule} {'refused' if refused else 'failed'}: {cause}"


def of_log(path, since=0.0):
    """The failure that a log ends in.

    Parameters
    ----------
    path : path
    since : float
        Seconds since the epoch: a log that was written before is of another run.

    Returns
    -------
    Failure or None
        None also where there is no such log: a job that is killed leaves no cause.
    """
    try:
        if Path(path).stat().st_mtime < since:
            return None
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    text = text.rstrip("\n")
    stopped, found = _STOPPED.search(text), _LAST.search(text)
    if stopped:
        return Failure(Path(path).stem, stopped.group(1), False, str(path))
    if found is None:
        return None
    rule, how, cause = found.groups()
    return Failure(rule, cause, how == "refused", str(path))


def told(folder, since):
    """The causes of all failures in the logs below a folder, for the terminal."""
    found = [of_log(path, since) for path in sorted(Path(folder).rglob("*.log"))]
    causes = [str(failure) for failure in found if failure is not None]
    if not causes:
        return "Something failed and left no cause in its log; see what is said above."
    return "\n\n".join([f"What failed ({len(causes)}; tracebacks are in the logs):", *causes])


def refuse_retries(job_class, since):
    """Let Snakemake try a job whose input was refused no second time.

    No rule can say so: ``retries`` is a number, whatever the cause, so the property that the
    scheduler asks is replaced, which is no public part of Snakemake (9.12 to 9.27 have it).

    Parameters
    ----------
    job_class : type or None
        ``snakemake.jobs.Job``.
    since : float
        As in :func:`of_log`.

    Returns
    -------
    bool
        Whether it could be done; where not, ``retries`` holds for refused jobs too.
    """
    known = vars(job_class).get("restart_times") if job_class is not None else None
    if not isinstance(known, property):
        return False

    def restart_times(job):
        ends = [of_log(log, since) for log in job.log]
        refused = any(found is not None and found.refused for found in ends)
        return 0 if refused else known.fget(job)

    job_class.restart_times = property(restart_times)
    return True
