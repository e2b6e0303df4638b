"""Which runs are compared, which are asked for now, and what there is to say of their datasets.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from pathlib import Path

from spclust.comparison import kept as comparison_kept
from spclust.engine.fingerprint import code_hash
from spclust.errors import UserError
from spclust.plan import runs
from spclust.plan.datasets import OF_COMPARISON
from spclust.plan.likely_mistakes import absent_file
from spclust.plan.schema_messages import unknown
from spclust.plan.stages import STAGES

# what is compared of a run, see comparison.read
FILES = ("metrics/metrics.tsv", "metrics/class_metrics.tsv", "cost.json")
# what rules write of it
INPUTS = ("metrics", "cost.json", "settings.json")
# what a run was made with, see comparison_kept.settings_of
MADE_WITH = "settings.json"


def check_comparison(plan):
    """Hold what the configuration says of its comparison against the runs and datasets.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan

    Raises
    ------
    UserError
        Where it names what is not there.
    """
    comparison_kept.check(comparison_kept.root_of(plan.config))
    ranked = {run.name for _, run, _ in plan.results} - runs.controls(plan)
    about = plan.config.get("comparison", {})
    if about.get("reference") not in {None, *ranked}:
        unknown("comparison.reference", about["reference"], ranked)
    parts = about.get("parts", {})
    allowed = {"runs": {run.name for _, run, _ in plan.results}, "datasets": set(plan.datasets)}
    for name, part in parts.items():
        for key, names in allowed.items():
            for part_name in part.get(key, ()):
                if part_name not in names:
                    unknown(f"comparison.parts.{name}.{key}", part_name, names)
    part = plan.config.get("part")
    if part is not None and not parts:
        raise UserError("part: this configuration has no comparison.parts; leave it out")
    if part is not None and part not in parts:
        unknown("part", part, parts)


def sought(plan, root=None, to_make=None, shown=None):
    """Where the values of runs are, and which have to be made.

    Parameters
    ----------
    plan : Plan
    root : path, optional
        Where values of runs are kept, see :mod:`spclust.comparison.kept`.
    to_make : set of (str, str, int), optional
        Dataset, run and seed of those to be made where their dataset is here and their values are
        not kept; all without it. The others take part where they have left all :data:`FILES`, made
        with these settings.
    shown : set of str, optional
        Runs that are spoken of; all without it.

    Returns
    -------
    dict
        ``results``: dataset, run, seed and folder of each run, None for the folder of one that is
        left out. ``kept``: dataset, run, seed, folder and where they are of those whose values
        are kept. ``asked``: folders to be made. ``newest``: when a file of the other folders was
        written last, in nanoseconds. ``other_settings``: of runs that are left out.
        ``settings``: all values behind the runs. ``absent``: of datasets of which nothing is kept,
        the file that is not here.

    Raises
    ------
    UserError
        For a file of settings that cannot be read.
    """
    kept, other = comparison_kept.usable(plan, root)
    now = comparison_kept.settings_of(plan)
    gone = {dataset: absent_file(plan, dataset) for dataset in plan.datasets}
    results, of_kept, asked, finished = [], [], [], []
    for dataset, run, seed in plan.results:
        key, place = (dataset, run.name, seed), run.folder(dataset, seed)
        if shown is not None and run.name not in shown:
            continue
        if key in kept:
            of_kept.append([*key, place, kept[key]])
        elif gone[dataset]:
            place = None
        elif to_make is None or key in to_make:
            asked.append(place)
        elif all(Path(place, name).is_file() for name in (*FILES, MADE_WITH)):
            # they may lie there from before settings of these names were changed
            then = _made_then(Path(place, MADE_WITH))
            changed = comparison_kept.differing(plan, dataset, run, then, now, {})
            other += changed
            finished += [] if changed else [place]
            place = None if changed else place
        else:
            place = None
        results.append([*key, place])
    with_kept = {dataset for dataset, *_ in of_kept}
    return {
        "absent": {name: file for name, file in gone.items() if file and name not in with_kept},
        "asked": asked,
        "kept": of_kept,
        "newest": max((Path(file).stat().st_mtime_ns for file in _files(finished)), default=0),
        "other_settings": list(dict.fromkeys(other)),
        "results": results,
        "settings": now,
    }


def _made_then(file):
    try:
        return comparison_kept.read_settings(file)
    except comparison_kept.UNREADABLE as error:
        raise UserError(
            f"{file} is broken ({type(error).__name__}: {error}); remove it, and its run is scored "
            "again when it is asked for"
        ) from None


def facts(plan, finished=False, root=None):
    """What is to be compared.

    Parameters
    ----------
    plan : Plan
    finished : bool
        No run is asked for; else those of the configuration's ``part``, or all without one.
    root : path, optional
        Where values of runs are kept.

    Returns
    -------
    dict
        Of :func:`sought`, in parts only with runs that are asked for or there somewhere, and:
        ``parts``: see :func:`parts`. ``controls``: names of control runs. ``groups``: of runs.
        ``references``: of groups, the run whose pairs are tested. ``about``: of datasets, what
        they say of their labels. ``made_with``, ``methods`` and ``defaults``: see
        :func:`made_with`.
    """
    part = plan.config.get("part")
    to_make = members(plan, plan.config["comparison"]["parts"][part]) if part else None
    runs_sought = sought(plan, root, set() if finished else to_make)
    shown = {run for _, run, *_ in runs_sought["results"]}
    if plan.config.get("comparison", {}).get("parts"):
        # of what waits for its part there is nothing to say yet
        shown = {run for _, run, _, place in runs_sought["results"] if place}
        runs_sought["results"] = [row for row in runs_sought["results"] if row[1] in shown]
    bounds = runs.controls(plan)
    ranked = {run.name: run for _, run, _ in plan.results if run.name not in bounds}
    said = {
        name: {key: d[key] for key in OF_COMPARISON if key in d}
        for name, d in plan.datasets.items()
    }
    return runs_sought | {
        "about": said,
        "controls": sorted(bounds),
        "groups": {name: run.group for name, run in ranked.items()},
        "parts": parts(plan),
        "references": references(plan, list(ranked.values())),
        **made_with(plan, shown),
    }


def made_with(plan, shown):
    """What runs were made with, by names; the values are in ``settings`` of :func:`sought`.

    Parameters
    ----------
    plan : Plan
    shown : set of str
        Runs that are spoken of.

    Returns
    -------
    dict
        ``made_with``: run, dataset and the names of its settings by stage, and of its method.
        ``methods``: of recipes, what their cards say, and the fingerprint of their ``code``.
        ``defaults``: of stages, the values of the setting that the others build on.
    """
    chosen_of, methods, used = {}, {}, set()
    for dataset, run, _ in plan.results:
        if run.name not in shown:
            continue
        chosen_of[run.name, dataset] = run.made_with
        card = plan.card(run.method)
        used |= set(run.chosen)
        if card.name in methods:
            continue
        methods[card.name] = {
            "title": card.title,
            "cite": card.cite,
            "defaults": card.defaults,
            "settings_from": card.settings_from,
            "code": code_hash("cluster_cells", card.module),
        }
    stages = {stage: plan.cfg(stage, "default") for stage in STAGES if stage in used}
    rows = [[*key, chosen] for key, chosen in chosen_of.items()]
    return {"made_with": rows, "methods": methods, "defaults": stages}


def files(compared):
    """The files behind what :func:`sought` returns: of every run that is asked for, and kept."""
    folders = dict.fromkeys(folder for *_, folder in compared["kept"])
    asked = [f"{folder}/{name}" for folder in compared["asked"] for name in INPUTS]
    return {"runs": asked, "kept": comparison_kept.files(folders)}


def _files(folders):
    return [f"{folder}/{name}" for folder in folders for name in FILES]


def members(plan, part):
    """Dataset, run and seed of every run in a part of the comparison."""
    datasets = part.get("datasets", plan.datasets)
    return {
        (dataset, run.name, seed)
        for dataset, run, seed in plan.results
        if run.name in part["runs"] and dataset in datasets
    }


def parts(plan):
    """Name, estimated hours, runs, datasets (empty: all) and size of each part, in order."""
    named = plan.config.get("comparison", {}).get("parts", {})
    return [
        [
            name,
            part.get("hours"),
            list(part["runs"]),
            list(part.get("datasets", ())),
            len(members(plan, part)),
        ]
        for name, part in named.items()
    ]


def references(plan, ranked):
    """Of each group the run whose differences to the others are tested.

    The one that the configuration names, else the first; of other groups that of the same
    recipe, if there is one.
    """
    name = plan.config.get("comparison", {}).get("reference")
    chosen = next((run for run in ranked if name in (None, run.name)), None)
    of_groups = {}
    for run in ranked if chosen else ():
        if plan.card(run.method).name == plan.card(chosen.method).name:
            of_groups.setdefault(run.group, run.name)
    return of_groups | ({chosen.group: chosen.name} if chosen else {})
