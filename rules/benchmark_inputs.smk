"""Input and params functions of the comparison of methods; no rule."""

RUN_RESULTS = {
    "scores": "metrics.tsv",
    "classes": "class_metrics.tsv",
    "costs": "cost.json",
}


def absent_data(dataset):
    """The first file of a slice given by path that is not here, or None."""
    definition = PLAN.datasets[dataset]
    files = settings.local_files(definition) if "path" in definition else []
    return next((file for file in files if not Path(file).exists()), None)


def benchmark_folder(extent, dataset, run, seed):
    """Folder of a run that is compared, or None where its cells of the tables stay empty."""
    folder = run.folder(dataset, seed)
    files = [Path(folder) / name for name in RUN_RESULTS.values()]
    if absent_data(dataset) is not None:
        return None
    # a target of all asks for what is not there yet, too
    asked = extent == "benchmark" or all(file.is_file() for file in files)
    return folder if asked else None


def benchmark_files(wildcards):
    """Input function: what is compared of every run."""
    folders = [benchmark_folder(wildcards.extent, *result) for result in PLAN.results]
    return {
        kind: [f"{folder}/{name}" for folder in folders if folder is not None]
        for kind, name in RUN_RESULTS.items()
    }


def benchmark_cfg(wildcards):
    """Params function: which run each folder belongs to, and what to say of the slices."""
    absent = {dataset: absent_data(dataset) for dataset in PLAN.datasets}
    return {
        "absent": {dataset: path for dataset, path in absent.items() if path},
        "controls": sorted(
            {run.name for _, run, _ in PLAN.results if PLAN.is_control(run.method)}
        ),
        "label_origin": {
            dataset: definition["label_origin"]
            for dataset, definition in PLAN.datasets.items()
            if "label_origin" in definition
        },
        "results": [
            [
                dataset,
                run.name,
                seed,
                benchmark_folder(wildcards.extent, dataset, run, seed),
            ]
            for dataset, run, seed in PLAN.results
        ],
    }
