"""Input, params and resource functions of methods and of what is drawn of them; no rule."""

from functools import cache

GPU_DRIVER = shutil.which("nvidia-smi") is not None


def method_input(wildcards):
    """Input function: cells and what else the method's card says it needs."""
    card, above = PLAN.card(wildcards.method), dict(wildcards.items())
    files = ["cells.h5mu", "n_clusters.json"]
    files += ["graphs.npz"] * ("graphs" in card.needs)
    files += ["votes.npz", "votes_cost.json"] * ("votes" in card.needs)
    found = {Path(file).stem: stages.nearest(file, above) for file in files}
    return found | ({"labels": labels_of(wildcards)} if card.reference else {})


def method_cfg(wildcards):
    """Params function: the values of the method's setting."""
    return PLAN.cfg("method", wildcards.method)


def method_code(wildcards):
    """Params function: fingerprint of what clusters."""
    return code_of("cluster_cells", PLAN.card(wildcards.method).module)


def method_env(wildcards):
    """Environment of the method's recipe."""
    card = PLAN.card(wildcards.method)
    return f"{PROJECT}/envs/{card.environment}.yaml"


def method_memory(wildcards, input, attempt):
    """MB from input size and attempt, by the method's card."""
    wanted = {"base": 1500, "per_input_mb": 100} | PLAN.card(wildcards.method).memory_mb
    return int((wanted["base"] + wanted["per_input_mb"] * size_mb(input)) * attempt)


def method_runtime(wildcards, attempt):
    """Minutes by attempt, by the method's card."""
    return PLAN.card(wildcards.method).runtime * attempt


def method_gpus(wildcards):
    """GPUs to ask for: what a login node has says nothing of the node that runs the job."""
    here = workflow.local_exec and GPU_DRIVER
    wanted = config["device"] in ("cuda", "mps") or (
        config["device"] == "auto" and here
    )
    return int(wanted and PLAN.card(wildcards.method).gpu)


def figure_input(wildcards):
    """Input function: the balanced cells and the votes, where the run saw them, and analyses."""
    above = dict(wildcards.items())
    seen = {
        "oversample": ("balanced", "cells.h5mu"),
        "votes": ("votes", "votes.npz"),
    }
    files = {
        name: stages.nearest(file, above)
        for stage, (name, file) in seen.items()
        if stage in stages.chosen_in(above)
    }
    return files | {"analyses": analysis_files.drawn(PLAN, above, captions.analyses())}


def dataset_figure_input(wildcards):
    """Input function: the analyses of a dataset that figures show."""
    shown = captions.analyses("dataset")
    return analysis_files.drawn(PLAN, dict(wildcards.items()), shown, ("dataset",))


def dataset_figures():
    """Folders of figures of all datasets, where an analysis is made that one shows."""
    shown = captions.analyses("dataset") & set(PLAN.analyses)
    return [f"results/{dataset}/figures" for dataset in PLAN.datasets if shown]


def shown_settings(wildcards):
    """Params function: the settings of every stage a run went through, shown in the report."""
    named = stages.chosen_in(dict(wildcards.items())) | {"method": wildcards.method}
    return {f"{stage}.{name}": PLAN.cfg(stage, name) for stage, name in named.items()}


@cache
def names_of_runs():
    """Folder of results to the names of the runs that share it."""
    names = {}
    for dataset, run, seed in PLAN.results:
        names.setdefault(run.folder(dataset, seed), set()).add(run.name)
    return names


def run_labels(wildcards):
    """What tells a run from the others in the report."""
    names = names_of_runs().get(f"results/{run_folder(wildcards)}", ())
    return {"run": ", ".join(sorted(names)), "seed": wildcards.seed}


def report_labels(wildcards):
    """Labels function of the report: what tells a figure of a run from the others."""
    return run_labels(wildcards) | {"figure": wildcards.figure}


def table_labels(wildcards):
    """Labels function of the report: what tells a table of a run from the others."""
    return run_labels(wildcards) | {"figure": wildcards.table}
