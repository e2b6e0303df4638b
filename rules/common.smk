"""Resolved configuration, wildcard constraints, target lists and input functions; no rule."""

import shutil
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from spclust import settings
from spclust.errors import UserError

REGISTRY = yaml.safe_load((Path(workflow.basedir) / "config/datasets.yaml").read_text())
try:
    PLAN = settings.resolve(config, REGISTRY)
except UserError as error:
    raise WorkflowError(str(error)) from None

NAME = "[A-Za-z0-9][A-Za-z0-9_.]*"


wildcard_constraints:
    dataset=NAME,
    prep=NAME,
    labels=NAME,
    aug=NAME,
    graph=NAME,
    method=NAME,
    seed="[0-9]+",
    chain=f"(labels-{NAME}/aug-{NAME}/(graph-{NAME}/)?)?",


# Snakemake counts no resource that has no limit; one training at a time on a local GPU.
if workflow.local_exec:
    workflow.global_resources.setdefault("gpu", 1)

USES_GPU = config["device"] in ("cuda", "mps") or (
    config["device"] == "auto" and workflow.local_exec and shutil.which("nvidia-smi") is not None
)


def per_run(name):
    """One file of every (dataset, run, seed)."""
    return [f"{run.folder(dataset, seed)}/{name}" for dataset, run, seed in PLAN.results]


def stage_cfg(stage, wildcard):
    """Params function: the values of the stage's setting named by a wildcard."""
    return lambda wildcards: PLAN.cfg(stage, getattr(wildcards, wildcard))


def method_cfg(wildcards):
    """Params function: the values of the method's setting."""
    return PLAN.cfg("methods", wildcards.method)


def method_code(script):
    """Params function: fingerprint of an adapter's library code and the recipe it loads."""
    return lambda wildcards: settings.code_hash(
        script, f"spclust.methods.{PLAN.recipe(wildcards.method)}"
    )


def method_env(wildcards):
    """Environment of the method's recipe."""
    return str(Path(workflow.basedir) / f"envs/{PLAN.env(wildcards.method)}.yaml")


def memory(base, per_mb):
    """Resources function: MB from input size and attempt."""
    return lambda wildcards, input, attempt: int((base + per_mb * input.size_mb) * attempt)


def run_folder(wildcards):
    """Folder of the run that a rule of the later stages works on."""
    replicate = f"results/{wildcards.dataset}/prep-{wildcards.prep}/seed-{wildcards.seed}"
    return f"{replicate}/{wildcards.chain}method-{wildcards.method}"


def learns(wildcards):
    """Whether the method of a run learns an embedding of its own."""
    return PLAN.recipes[PLAN.recipe(wildcards.method)]["needs"] == "graphs"


def learnt_importance(wildcards):
    """Input function: the protein importances a run learnt, if any."""
    folder = run_folder(wildcards)
    return {"importance": f"{folder}/protein_importance.csv"} if learns(wildcards) else {}


def run_files(wildcards):
    """Input function: UMAP of a run and, where they exist, its history and synthetic cells."""
    folder = run_folder(wildcards)
    replicate, _, _ = folder.partition(wildcards.chain + "method-")
    files = {"umap": f"{folder if learns(wildcards) else replicate.rstrip('/')}/umap.npy"}
    if learns(wildcards):
        files["history"] = f"{folder}/history.csv"
    if wildcards.chain:
        aug = wildcards.chain.split("/graph-")[0].rstrip("/")
        files["balanced"] = f"{replicate}{aug}/balanced.h5ad"
    return files


def dataset_files(wildcards):
    """Input function: where the cells of a dataset come from."""
    definition = PLAN.datasets[wildcards.dataset]
    if "simulate" in definition:
        return [f"resources/{wildcards.dataset}/cells.h5ad"]
    if "files" in definition:
        names = [settings.file_name(file) for file in definition["files"]]
        return [f"resources/{wildcards.dataset}/download/{name}" for name in names]
    return settings.local_files(definition)


def download_cfg(wildcards):
    """Params function: the registry entry of one file."""
    files = PLAN.datasets[wildcards.dataset]["files"]
    return next(f for f in files if settings.file_name(f) == wildcards.file)
