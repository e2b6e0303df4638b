"""Which runs are compared, and what there is to say of their datasets.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from pathlib import Path

from spclust.datasets import OF_COMPARISON, local_files

# what is compared of a run, see comparison.read
FILES = ("metrics.tsv", "class_metrics.tsv", "cost.json")


def absent_file(plan, dataset):
    """The first file of a dataset given by path, or of its slices, that is not here, or None."""
    definitions = [plan.slices[name] for name in plan.slices[dataset].get("slices", [dataset])]
    files = [file for d in definitions if "path" in d for file in local_files(d)]
    return next((file for file in files if not Path(file).exists()), None)


def facts(plan, finished=False):
    """What is to be compared.

    Parameters
    ----------
    plan : Plan
    finished : bool
        Only runs that have left all :data:`FILES`; else all whose dataset is here.

    Returns
    -------
    dict
        ``results``: dataset, run, seed and folder of each planned run, None for the folder of
        one that is left out; ``controls``: names of control runs; ``groups``: of runs;
        ``references``: of groups, the run whose pairs are tested; ``prepared``: of runs, the
        settings of preprocess; ``about``: of datasets, what they say of their labels;
        ``absent``: of datasets, the file that is not here.
    """
    absent = {dataset: absent_file(plan, dataset) for dataset in plan.datasets}
    results = []
    for dataset, run, seed in plan.results:
        folder = run.folder(dataset, seed)
        there = absent[dataset] is None
        if there and finished:
            there = all(Path(folder, name).is_file() for name in FILES)
        results.append([dataset, run.name, seed, folder if there else None])
    controls, ranked = [], {}
    for _, run, _ in plan.results:
        if plan.card(run.method).control:
            controls.append(run.name)
        else:
            ranked[run.name] = run
    said = {name: {key: d[key] for key in OF_COMPARISON if key in d}
            for name, d in plan.datasets.items()}  # fmt: skip
    return {
        "about": said,
        "absent": {dataset: file for dataset, file in absent.items() if file},
        "controls": sorted(set(controls)),
        "groups": {name: run.group for name, run in ranked.items()},
        "prepared": _prepared(plan),
        "references": references(plan, list(ranked.values())),
        "results": results,
    }


def references(plan, ranked):
    """Of each group the run whose differences to the others are tested.

    The one that the configuration names, else the first; of other groups that of the same
    recipe, if there is one.
    """
    name = plan.config.get("comparison", {}).get("reference")
    chosen = next((run for run in ranked if name in (None, run.name)), None)
    found = {}
    for run in ranked if chosen else ():
        if plan.card(run.method).name == plan.card(chosen.method).name:
            found.setdefault(run.group, run.name)
    return found | ({chosen.group: chosen.name} if chosen else {})


def _prepared(plan):
    """Of each run the names of its settings of preprocess, which may differ between slices."""
    found = {}
    for _, run, _ in plan.results:
        found.setdefault(run.name, set()).add(run.chosen["preprocess"])
    return {name: ", ".join(sorted(settings)) for name, settings in found.items()}


def files(compared):
    """The files of every run among what :func:`facts` returns."""
    folders = [folder for *_, folder in compared["results"] if folder is not None]
    return [f"{folder}/{name}" for folder in folders for name in FILES]


def newest(compared):
    """When the newest of those files was written, in nanoseconds; 0 without any."""
    return max((Path(file).stat().st_mtime_ns for file in files(compared)), default=0)
