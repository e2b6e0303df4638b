"""Snakemake's scheduler waits for one timer, however many jobs have ended."""

import threading

import pytest
import snakemake.api
from snakemake.scheduling.job_scheduler import JobScheduler

from spclust.engine import scheduling


@pytest.fixture
def scheduler():
    """A scheduler of its own class, without a workflow."""

    class Own(JobScheduler):
        pass

    scheduling.keep_one_timer(Own)
    made = Own.__new__(Own)
    made._open_jobs = threading.Semaphore(0)
    return made


def timers():
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_snakemake_still_has_what_is_put_right():
    # when this fails, see whether the fault is gone, and spclust/scheduling.py with it
    assert hasattr(JobScheduler, scheduling.METHOD)
    assert hasattr(snakemake.dag.DAG, "set_until_jobs")


def test_there_is_one_timer_at_a_time_and_another_once_it_has_run(scheduler):
    before = timers()
    for _ in range(50):
        getattr(scheduler, scheduling.METHOD)(0.05)
    (one,) = set(timers()) - set(before)
    assert one.daemon  # Snakemake does not wait for it at its end
    assert scheduler._open_jobs.acquire(timeout=10)
    assert not scheduler._open_jobs.acquire(blocking=False)
    # what is asked for while jobs are weighed is not lost
    for _ in range(200):
        getattr(scheduler, scheduling.METHOD)(0)
        assert scheduler._open_jobs.acquire(timeout=10)


def test_a_scheduler_without_such_timers_is_left_alone():
    class Other:
        pass

    scheduling.keep_one_timer(Other)
    assert not hasattr(Other, scheduling.METHOD)
