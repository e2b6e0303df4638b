"""Snakemake imported once: reads commands, one JSON a line, and runs each in a fork of itself.

Its imports take longer than planning a tiny workflow. What a project brings is imported in the
fork only.
"""

import json
import os
import sys
import traceback

import snakemake.api
import snakemake.cli
import snakemake.scheduling.job_scheduler
import snakemake.workflow  # noqa: F401


def run(arguments, folder, output):
    """The fork: as ``python -m snakemake`` in a folder, all that it says into a file."""
    code = 1
    try:
        os.chdir(folder)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = [snakemake.cli.__file__, *arguments]
        sys.path[0] = folder
        snakemake.cli.main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
