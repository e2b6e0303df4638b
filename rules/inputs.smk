"""Input and params functions of the rules after clustering and of the data; no rule."""


def run_folders(wildcards):
    """Folders of a replicate, of the stages before a run (none for some methods), of the run."""
    replicate = Path(
        f"results/{wildcards.dataset}/prep-{wildcards.prep}/seed-{wildcards.seed}"
    )
    stages = replicate / wildcards.chain
    return replicate, stages, stages / f"method-{wildcards.method}"


def on_graphs(wildcards):
    """Whether the method of a run works on both graphs, as the rule train does."""
    return PLAN.recipes[PLAN.recipe(wildcards.method)]["needs"] == "graphs"


def learnt_importance(wildcards):
    """Input function: the protein importances a run learnt, if any."""
    _, _, run = run_folders(wildcards)
    return (
        {"importance": str(run / "protein_importance.csv")}
        if on_graphs(wildcards)
        else {}
    )


def run_files(wildcards):
    """Input function: UMAP of a run and, where they exist, its history and synthetic cells."""
    replicate, stages, run = run_folders(wildcards)
    files = {
        "umap": str((run if PLAN.trains(wildcards.method) else replicate) / "umap.npy")
    }
    if on_graphs(wildcards):
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
