"""A failing job: one line on the terminal, the traceback in the log, exit code 1."""

import logging
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from spclust.engine import failures, logs
from spclust.errors import UserError


def fail(path, error):
    with pytest.raises(SystemExit) as caught, logs.job(path, "some_rule"):
        raise error
    return caught.value.code


def test_user_errors_show_their_message_only(tmp_path, capsys):
    assert fail(tmp_path / "a.log", UserError("cells.csv, row 3: no")) == 1
    terminal = capsys.readouterr().err
    assert "ERROR in some_rule: cells.csv, row 3: no" in terminal and "a.log" in terminal
    assert "Traceback" not in terminal
    assert "Traceback" in (tmp_path / "a.log").read_text()


def test_other_errors_show_their_type(tmp_path, capsys):
    fail(tmp_path / "a.log", ZeroDivisionError("oops"))
    assert "ERROR in some_rule: ZeroDivisionError: oops" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rule": "a"}', "\ufffd"])
def test_a_failure_that_cannot_be_read_is_shown_and_no_refusal(tmp_path, text):
    log = tmp_path / "a.log"
    Path(f"{log}{failures.SUFFIX}").write_text(text)
    assert not failures.of_log(log).refused
    assert "cannot be read" in failures.report(tmp_path, since=0)


@pytest.mark.parametrize("error", [UserError("a.csv: no\n  and no"), KeyError("x")])
def test_a_failure_lies_beside_its_log_until_the_next_try(tmp_path, error):
    log = tmp_path / "rule" / "a.log"
    assert failures.of_log(log) is None
    fail(log, error)
    failure, refused = failures.of_log(log), isinstance(error, UserError)
    cause = "a.csv: no\n  and no" if refused else "KeyError: 'x'"
    assert failure == failures.Failure("some_rule", cause, refused, str(log))
    assert f"ERROR in some_rule: {cause}\n  log: {log}" in failures.report(tmp_path, since=0)
    later = log.with_name("a.log.failed.json").stat().st_mtime + 1
    assert failures.of_log(log, since=later) is None
    with logs.job(log, "some_rule"):
        assert failures.of_log(log) is None  # a job that is killed leaves nothing
    assert failures.of_log(log) is None and "no cause" in failures.report(tmp_path, since=0)
    assert [path.name for path in log.parent.iterdir()] == ["a.log"]


@pytest.mark.parametrize(("code", "name"), [(130, "SIGINT"), (143, "SIGTERM"), (0, None)])
def test_that_a_training_was_stopped_lies_beside_its_log(tmp_path, code, name):
    with pytest.raises(SystemExit) as left, logs.job(tmp_path / "train.log", "train"):
        raise SystemExit(code)
    failure = failures.of_log(tmp_path / "train.log")
    assert left.value.code == code and (failure is None) == (name is None)
    if name:
        assert failure.cause.startswith(f"interrupted by {name}") and not failure.refused


def test_the_log_tells_what_was_done_and_the_terminal_the_warnings(tmp_path, capsys):
    with logs.job(tmp_path / "a.log", "some_rule"):
        logging.getLogger("spclust.x").info("seven cells")
        logging.getLogger("spclust.x").warning("one is odd")
        warnings.warn("from a library", stacklevel=1)
    log, terminal = (tmp_path / "a.log").read_text(), capsys.readouterr().err
    assert all(text in log for text in ("seven cells", "one is odd", "from a library", "done in"))
    assert terminal == "some_rule: one is odd\n"


def test_a_log_that_cannot_be_written_does_not_fail_the_job(tmp_path, capsys):
    for path in ("/dev/full", tmp_path / "file" / "a.log"):
        (tmp_path / "file").write_text("in the way of a folder")
        with logs.job(path, "some_rule"):
            logging.getLogger("spclust.x").info("seven cells")
            logging.getLogger("spclust.x").info("eight cells")
        terminal = capsys.readouterr().err
        assert terminal.count("the log cannot be written") == 1 and "Traceback" not in terminal
    fail(path, KeyError("x"))
    terminal = capsys.readouterr().err
    assert "ERROR in some_rule: KeyError: 'x'" in terminal
    assert terminal.count("the cause cannot be written") == 1 and "Traceback" not in terminal


def test_refused_jobs_are_tried_again_only_where_snakemake_asks_otherwise(tmp_path):
    """Another version may have no such class, no such property, or something else of its name."""

    class Job:
        def __init__(self, log):
            self.log = [log]

        restart_times = property(lambda self: 3)

    refused, broken, never = (Job(tmp_path / f"{name}.log") for name in ("a", "b", "c"))
    fail(refused.log[0], UserError("no"))
    fail(broken.log[0], KeyError("no"))
    assert failures.refuse_retries(Job, since=0)
    assert [job.restart_times for job in (refused, broken, never)] == [0, 3, 3]
    for other in (None, type("Job", (), {}), type("Job", (), {"restart_times": 3})):
        assert not failures.refuse_retries(other, since=0)


def test_peak_memory_is_not_that_of_the_process_that_started_this_one():
    if "VmHWM" not in (
        status.read_text() if (status := Path("/proc/self/status")).exists() else ""
    ):
        pytest.skip("this system does not tell a process's own peak")
    held = np.ones(50_000_000)  # 400 MB
    script = "from spclust.engine.logs import peak_memory; print(peak_memory())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(logs.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 5 < float(done.stdout) < 200 < held.nbytes / 2**20 < logs.peak_memory()


@pytest.mark.parametrize(
    "seconds,said",
    [
        (0.0123, "0.012 s"),
        (3.14159, "3.1 s"),
        (104.2, "104 s"),
        (2100, "35 minutes"),
        (78_572, "21.8 hours"),
    ],
)
def test_times_are_told_in_the_unit_one_would_say_them_in(seconds, said):
    assert logs.duration(seconds) == said
