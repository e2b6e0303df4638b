"""Faults of Snakemake's scheduler, put right.

Timers: whenever Snakemake (9.27, and some before) has weighed which of the waiting jobs to start,
it has a timer do so again a second later, so that jobs start which ``--max-jobs-per-timespan`` held
back. Each timer leads to the next, and each job that ends begins a chain of its own: after 475 jobs
of a study 480 threads waited and 30 % of a core went into weighing
(tests/measured/benchmarks/planning.md).
https://github.com/snakemake/snakemake/pull/3744 is about another sign of it.

``--until`` of several rules of which one needs another: what comes after the first never counted as
ready, and the run ended in "Out of jobs ready to be started" (9.27).

Imported by Snakemake itself, so it may use the standard library only.
"""

import threading

METHOD = "_schedule_reevalutation"  # as it is spelt there


def keep_one_timer(scheduler):
    """Let a scheduler wait for one timer at a time, and for none at its end.

    Parameters
    ----------
    scheduler : type or None
        Snakemake's, whose semaphore ``_open_jobs`` has the jobs weighed. One without the method
        that starts the timers is left alone: of another version, it may not need this.
    """
    if not hasattr(scheduler, METHOD):
        return

    def schedule(self, delay):
        if getattr(self, "_timer", None) is not None:
            return

        def weigh():
            self._timer = None  # first, or the weighing that follows may find it and start none
            self._open_jobs.release()

        self._timer = threading.Timer(delay, weigh)
        self._timer.daemon = True
        self._timer.start()

    setattr(scheduler, METHOD, schedule)


def until_several(dag):
    """Let ``--until`` go past a rule to another one that needs it.

    Snakemake takes the named rules for targets, forgets all jobs that lead to none, and then still
    lets no job follow a target. Of what it forgot nothing can follow, so once the targets are known
    their names can go. Where checkpoints change the jobs on the way it asks for them again.

    Parameters
    ----------
    dag : type or None
        Snakemake's. One without the method that sets the targets is left alone.
    """
    usual = getattr(dag, "set_until_jobs", None)
    if usual is None:
        return

    def set_until_jobs(self):
        usual(self)
        self.untilrules, self.untilfiles = set(), set()

    dag.set_until_jobs = set_until_jobs
