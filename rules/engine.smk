"""What is asked of Snakemake itself: its resources, memory, scheduler and second tries; no rule."""

import gc
import re
import sys
import time

from snakemake import jobs, workflow as snakemake_workflow

from spclust.engine import failures
from spclust.engine import scheduling

# Snakemake hands the path of its Python to a shell as it stands; environments have one of their own
if (
    re.search(r"""[\s'"`\\$&;|<>()]""", sys.executable)
    and not workflow.deployment_settings.deployment_method
):
    raise WorkflowError(
        f"no job can be started by {sys.executable}, whose path has a blank or another character that "
        "a shell takes apart; move the project to a path without, and make the environment anew "
        "there:  make clean demo"
    )

# Snakemake counts no resource that has no limit; one training at a time on a local GPU. The
# executor is not known yet; those that submit jobs are told how many (--jobs), local ones are not.
if workflow.resource_settings.nodes is None:
    workflow.global_resources.setdefault("gpu", 1)

# planning many slices makes millions of objects that stay; to look for garbage among them after
# every 700 takes a sixth of its time
gc.set_threshold(100_000)

STARTED = time.time()

# else each job that has ended costs a thread and a weighing of those that wait, every second
scheduling.keep_one_timer(getattr(snakemake_workflow, "JobScheduler", None))

# another workflow may have checkpoints, these rules have none
if workflow.modifier.is_main_snakefile():
    scheduling.until_several(getattr(snakemake_workflow, "DAG", None))

# `retries` holds for all causes alike, and only the job knows which it was
if not failures.refuse_retries(getattr(jobs, "Job", None), STARTED):
    if workflow.is_main_process:
        print(
            "This version of Snakemake tries refused input again too.", file=sys.stderr
        )
