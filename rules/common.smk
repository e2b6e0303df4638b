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
    return lambda wildcards: settings.code_hash(
        script, f"spclust.methods.{PLAN.recipe(wildcards.method)}"
    )


def method_env(wildcards):
    """Environment of the method's recipe."""
    return str(Path(workflow.basedir) / f"envs/{PLAN.env(wildcards.method)}.yaml")


def memory(base, per_mb):
    """Resources function: MB from input size and attempt."""
    return lambda wildcards, input, attempt: int(
        (base + per_mb * input.size_mb) * attempt
    )


def run_folders(wildcards):
    """Folders of a replicate, of the stages before a run (none for some methods), of the run."""
    replicate = Path(
        f"results/{wildcards.dataset}/prep-{wildcards.prep}/seed-{wildcards.seed}"
    )
    stages = replicate / wildcards.chain
    return replicate, stages, stages / f"method-{wildcards.method}"


def learns(wildcards):
    """Whether the method of a run learns an embedding of its own."""
    return PLAN.recipes[PLAN.recipe(wildcards.method)]["needs"] == "graphs"


def learnt_importance(wildcards):
    """Input function: the protein importances a run learnt, if any."""
    _, _, run = run_folders(wildcards)
    return (
        {"importance": str(run / "protein_importance.csv")} if learns(wildcards) else {}
    )


def run_files(wildcards):
    """Input function: UMAP of a run and, where they exist, its history and synthetic cells."""
    replicate, stages, run = run_folders(wildcards)
    files = {"umap": str((run if learns(wildcards) else replicate) / "umap.npy")}
    if learns(wildcards):
        files["history"] = str(run / "history.csv")
        stages = stages.parent
    if wildcards.chain:
        files["balanced"] = str(stages / "balanced.h5ad")
    return files


def run_cfg(wildcards):
    """Params function: the settings of every stage a run went through, shown in the report."""
    chain = dict(part.split("-", 1) for part in wildcards.chain.split("/") if part)
    named = {"preprocess": wildcards.prep}
    stages = {"labels": "pseudolabels", "aug": "oversample", "graph": "graphs"}
    named |= {stage: chain[part] for part, stage in stages.items() if part in chain}
    named["methods"] = wildcards.method
    return {f"{stage}.{name}": PLAN.cfg(stage, name) for stage, name in named.items()}


def run_labels(wildcards):
    """Labels function of the report: what tells a figure of a run from the others."""
    folder = str(run_folders(wildcards)[2])
    seed = int(wildcards.seed)
    names = {
        run.name
        for dataset, run, _ in PLAN.results
        if run.folder(dataset, seed) == folder
    }
    return {
        "run": ", ".join(sorted(names)),
        "seed": wildcards.seed,
        "figure": wildcards.figure,
    }


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
