"""What failed jobs left beside their logs, for the end of a run and for whether to try again.

Imported by Snakemake itself, so it may use the standard library only.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".failed.json"


@dataclass(frozen=True)
class Failure:
    """How a job failed.

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


def record(log, rule, cause, refused):
    """Leave a failure beside a log; on a disk that takes nothing, a line on the terminal."""
    path = Path(f"{log}{SUFFIX}")
    temporary = path.with_suffix(".part")
    try:
        temporary.write_text(json.dumps({"rule": rule, "cause": cause, "refused": refused}))
        temporary.replace(path)
    except OSError as error:
        print(f"{path}: the cause cannot be written ({error})", file=sys.stderr, flush=True)


def forget(log):
    """Take away what an earlier try left beside a log."""
    path = Path(f"{log}{SUFFIX}")
    if path.exists():
        path.unlink()


def of_log(log, since=0.0):
    """The failure that a job has left.

    Parameters
    ----------
    log : path
    since : float
        Seconds since the epoch: what was written before is of another run.

    Returns
    -------
    Failure or None
        None also of a job that was killed, which leaves nothing.
    """
    path = Path(f"{log}{SUFFIX}")
    if not path.exists() or path.stat().st_mtime < since:
        return None
    try:
        return Failure(**json.loads(path.read_text()), log=str(log))
    except (ValueError, TypeError) as error:
        return Failure("a job", f"{path} cannot be read ({error}); see its log", False, str(log))


def report(folder, since):
    """The causes of all failures beside the logs below a folder, for the terminal."""
    paths = sorted(Path(folder).rglob(f"*{SUFFIX}"))
    failed = [of_log(str(path).removesuffix(SUFFIX), since) for path in paths]
    causes = [str(failure) for failure in failed if failure is not None]
    if not causes:
        return "Something failed and left no cause beside its log; see what is said above."
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
    usual = vars(job_class).get("restart_times") if job_class is not None else None
    if not isinstance(usual, property):
        return False

    def restart_times(job):
        failed = [of_log(log, since) for log in job.log]
        refused = any(failure is not None and failure.refused for failure in failed)
        return 0 if refused else usual.fget(job)

    job_class.restart_times = property(restart_times)
    return True
