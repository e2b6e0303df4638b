"""Input and params functions of the rules from the raw files to first labels; no rule."""

from spclust.plan import runs

COHORTS = [name for name, found in PLAN.slices.items() if "slices" in found]


def one_of(names):
    """Pattern of a wildcard that is one of the names, or of none where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def dataset_files(wildcards):
    """Input function: where the cells of a slice come from."""
    definition = PLAN.slices[wildcards.dataset]
    if "simulate" in definition:
        return [f"resources/{wildcards.dataset}/cells.h5ad"]
    if "files" in definition:
        names = [datasets.file_name(file) for file in definition["files"]]
        return [f"resources/{wildcards.dataset}/download/{name}" for name in names]
    return list(map(as_named, datasets.local_files(definition)))


def importing_input(wildcards):
    """Input function: the files of a slice and, where a table names its channels, that."""
    files = {"files": dataset_files(wildcards)}
    names = PLAN.slices[wildcards.dataset].get("rename")
    return files | ({"rename": as_named(names)} if isinstance(names, str) else {})


def import_code(wildcards):
    """Params function: fingerprint of the import, with the readers that may be asked."""
    asked = datasets.formats_of(PLAN.slices[wildcards.dataset])
    return code_of("import_cells", *(f"spclust.io.readers.{name}" for name in asked))


def simulation_memory(wildcards, attempt):
    """Resources function: MB from the number of cells and attempt; the input does not tell."""
    return (
        1000 + PLAN.slices[wildcards.dataset]["simulate"]["n_cells"] // 500
    ) * attempt


def members(file):
    """Input function: a file of each slice of a cohort."""
    return lambda wildcards: [
        f"results/{name}/{file}" for name in PLAN.slices[wildcards.dataset]["slices"]
    ]


def download_cfg(wildcards):
    """Params function: the registry entry of one file, keys sorted."""
    files = PLAN.slices[wildcards.dataset]["files"]
    found = next(f for f in files if datasets.file_name(f) == wildcards.file)
    return dict(sorted(found.items()))


def preparing_input(wildcards):
    """Input function: the cells and, where a panel decides which features cluster, its tables."""
    cfg = PLAN.cfg("preprocess", wildcards.preprocess)
    panels = [cfg["panel"], *(m.get("panel") for m in cfg["modalities"].values())]
    known = (
        {"proteins": knowledge("proteins")}
        if set(map(str, panels)) - {"all", "None"}
        else {}
    )
    return {"cells": f"results/{wildcards.dataset}/cells.h5mu"} | known


def counting_input(wildcards):
    """Input function: the cells and, where classes are counted, their reference labels."""
    files = {
        "cells": f"results/{wildcards.dataset}/preprocess-{wildcards.preprocess}/cells.h5mu"
    }
    wanted = PLAN.slices[wildcards.dataset]["n_clusters"]
    if wanted == "from_labels":
        files["labels"] = labels_of(wildcards)
    elif wanted == "auto":
        files |= {name: knowledge(name) for name in ("proteins", "signatures")}
    return files


def first_labels_input(wildcards):
    """Input function: the cells, and what first labels are taken from beside them."""
    files = {
        "cells": stages.nearest("cells.h5mu", dict(wildcards.items())),
        "n_clusters": stages.nearest("n_clusters.json", dict(wildcards.items())),
    }
    cfg = PLAN.cfg("pseudolabels", wildcards.pseudolabels)
    method = cfg["method"]
    if method == "truth":
        files["labels"] = labels_of(wildcards)
    elif method == "vote":
        files["votes"] = stages.nearest("votes.npz", dict(wildcards.items()))
    elif method == "run":
        run = runs.named(PLAN, cfg["run"], wildcards.dataset)
        files["clusters"] = (
            f"{run.folder(wildcards.dataset, wildcards.seed)}/clusters.csv"
        )
    elif method == "signatures":
        files |= {name: knowledge(name) for name in ("proteins", "signatures")}
    return files
