"""Resolved configuration, target lists and resources; no rule."""

import shutil
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from spclust import settings
from spclust.errors import UserError
from spclust.fingerprint import code_hash

REGISTRY = yaml.safe_load((Path(workflow.basedir) / "config/datasets.yaml").read_text())
try:
    PLAN = settings.resolve(config, REGISTRY)
except UserError as error:
    raise WorkflowError(str(error)) from None

NAME = "[A-Za-z0-9][A-Za-z0-9_.]*"

# Snakemake counts no resource that has no limit; one training at a time on a local GPU.
if workflow.local_exec:
    workflow.global_resources.setdefault("gpu", 1)

USES_GPU = config["device"] in ("cuda", "mps") or (
    config["device"] == "auto"
    and workflow.local_exec
    and shutil.which("nvidia-smi") is not None
)


def per_run(name, controls=True):
    """One file of every (dataset, run, seed), with or without the control methods."""
    return [
        f"{run.folder(dataset, seed)}/{name}"
        for dataset, run, seed in PLAN.results
        if controls or not PLAN.is_control(run.method)
    ]


def stage_cfg(stage, wildcard):
    """Params function: the values of the stage's setting named by a wildcard."""
    return lambda wildcards: PLAN.cfg(stage, getattr(wildcards, wildcard))


def method_cfg(wildcards):
    """Params function: the values of the method's setting."""
    return PLAN.cfg("methods", wildcards.method)


def method_code(script):
    """Params function: fingerprint of an adapter's library code and the recipe it loads."""
    return lambda wildcards: code_hash(
        script, f"spclust.methods.{PLAN.recipe(wildcards.method)}"
    )


def method_env(wildcards):
    """Environment of the method's recipe."""
    return str(Path(workflow.basedir) / f"envs/{PLAN.env(wildcards.method)}.yaml")


def method_memory(wildcards, input, attempt):
    """MB from input size and attempt; a recipe that holds n x n matrices asks for more."""
    recipe = PLAN.recipes[PLAN.recipe(wildcards.method)]
    per_mb = recipe.get("memory_per_mb", 100)
    return int((1500 + per_mb * input.size_mb) * attempt)


def memory(base, per_mb):
    """Resources function: MB from input size and attempt."""
    return lambda wildcards, input, attempt: int(
        (base + per_mb * input.size_mb) * attempt
    )
