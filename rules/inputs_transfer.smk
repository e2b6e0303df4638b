"""Input functions of models that label other slices; no rule."""


def of_source(file):
    """Input function: a file of the run that the model is of."""

    def path(wildcards):
        chosen = stages.chosen_in(dict(wildcards.items()))
        learnt = stages.run_folder(
            wildcards.source, wildcards.seed, chosen, wildcards.method
        )
        return f"results/{learnt}/{file}"

    return path


def transfer_code(wildcards):
    """Params function: fingerprint of what labels."""
    return code_of("transfer_labels", PLAN.card(wildcards.method).module)


def transferred(name):
    """One file of every transfer."""
    return [
        f"results/{runs.transfer_folder(*found)}/{name}" for found in PLAN.transfers
    ]


def own_run(dataset, run, seed):
    """Folder of the same run on the dataset itself, or None where it is not made."""
    made = any((d, r.name, s) == (dataset, run.name, seed) for d, r, s in PLAN.results)
    return run.folder(dataset, seed) if made else None


def beside_transfer(wildcards):
    """Input function: clusters of the same run on the dataset itself, where it is made."""
    own = f"results/{run_folder(wildcards)}"
    made = any(own == own_run(d, run, seed) for d, _, run, seed in PLAN.transfers)
    return {"own": f"{own}/clusters.csv"} if made else {}


def summarised_transfers(wildcards):
    """Input function: what all transfers and the runs beside them left, in their order."""
    own = [own_run(d, r, s) for d, _, r, s in PLAN.transfers]
    return {
        "scores": transferred("metrics"),
        "clusters": transferred("clusters.csv"),
        "facts": transferred("transfer.json"),
        "own_scores": [f"{folder}/metrics" for folder in own if folder],
        "own_clusters": [f"{folder}/clusters.csv" for folder in own if folder],
    }
