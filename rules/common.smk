"""Resolved configuration, target lists, input and resource functions; no rule."""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

sys.path.insert(0, f"{PROJECT}/workflow_scripts")

from spclust.plan import datasets
from spclust.plan import runs
from spclust.plan import settings
from spclust.plan import sheets
from spclust.plan import stages
from spclust.errors import UserError
from spclust.engine.fingerprint import code_hash
from spclust.plan.likely_mistakes import oversights
from spclust.plots import captions

# Threads that wait for each other sleep: spinning, as is OpenMP's habit, they take the cores from
# whom they wait for where others work too. Set here, since jobs read it before they load OpenMP.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# the project's defaults, and over them all that Snakemake was given; a module's `config` may be one
# that others use, too
given = config
config = yaml.safe_load(Path(PROJECT, "config/config.yaml").read_text())
update_config(config, given)

try:
    PLAN = settings.resolve(config)
    sheets.refuse_unreadable(PLAN.slices)
except UserError as error:
    raise WorkflowError(str(error)) from None
config.update(PLAN.config)  # whole numbers where 4.0 was written


if workflow.is_main_process:
    for line in oversights(PLAN):
        print(line, file=sys.stderr)


PREFIXED = workflow.modifier.path_modifier.replace_prefix("results") != "results"


def as_named(path):
    """A file of the user's, which lies where it was before a module's `prefix`, too."""
    return os.path.abspath(path) if PREFIXED else path


def per_run(name, controls=True):
    """One file of every (dataset, run, seed), with or without the control methods."""
    return [
        f"{run.folder(dataset, seed)}/{name}"
        for dataset, run, seed in PLAN.results
        if controls or not PLAN.card(run.method).control
    ]


def nearest(file):
    """Input function: the file of that name made by the nearest stage above."""
    return lambda wildcards: stages.nearest(file, dict(wildcards.items()))


def stage_cfg(stage):
    """Params function: the values of the stage's setting named by a wildcard."""
    return lambda wildcards: PLAN.cfg(stage, wildcards[stage])


# of what a job's wildcards choose, made once for all jobs
code_of = cache(code_hash)


def size_mb(files):
    """MB of a job's input files; Snakemake takes FileNotFoundError for "not known yet".

    What ``input.size_mb`` gives; that starts an event loop for each job, a fifth of planning.
    """
    return sum(os.stat(file).st_size for file in files) / 2**20


def memory(base, per_mb):
    """Resources function: MB from input size and attempt."""
    return lambda wildcards, input, attempt: int(
        (base + per_mb * size_mb(input)) * attempt
    )


def minutes(base):
    """Resources function: minutes by attempt."""
    return lambda wildcards, attempt: base * attempt


def labels_of(wildcards):
    """Path of the reference labels of a dataset."""
    return f"results/{wildcards.dataset}/labels.csv"


def run_folder(wildcards):
    """Folder of a run below results, from the wildcards of a file in it."""
    chosen = stages.chosen_in(dict(wildcards.items()))
    return stages.run_folder(
        wildcards.dataset, wildcards.seed, chosen, wildcards.method
    )
