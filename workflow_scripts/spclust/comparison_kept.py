"""Values of runs that are kept when results/ is gone, and whether they are of equal settings.

A folder holds ``runs.tsv`` (scores and costs, a row for each run and seed), ``classes.tsv`` (its
rare classes) and ``settings.json`` (all values behind the runs). Every comparison and every study
writes them; it takes those of earlier ones, in the folder that the configuration's key ``kept``
names or below it, in place of runs. So parts which were run one by one, or apart, are joined,
studies share the runs that they have in common, and none is run twice.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

import csv
import json
from pathlib import Path

from spclust.datasets import OF_COMPARISON, load_schema
from spclust.reporting import KEPT
from spclust.stages import STAGES

RUNS, _, SETTINGS = KEPT
# sections of the configuration that lie behind every run
OF_ALL = ("evaluation", "knowledge")


def folders(root):
    """Folders at or below another one that hold all the files, in the order of their names."""
    found = sorted({path.parent for path in Path(root).rglob(RUNS)}) if root else []
    return [str(at) for at in found if all(Path(file).is_file() for file in files([at]))]


def files(folders):
    """The files of some folders."""
    return [f"{folder}/{name}" for folder in folders for name in KEPT]


def settings_of(plan):
    """All values behind the runs of a configuration.

    Returns
    -------
    dict of str to dict of str to dict
        Section (``dataset``, a stage, ``method``, ...) to name to values.
    """
    # where the cells lie, and what is said of them, decides nothing
    silent = {*OF_COMPARISON, "path"}
    found = {"dataset": {name: {k: v for k, v in definition.items() if k not in silent}
                         for name, definition in plan.slices.items()}}  # fmt: skip
    found |= {section: {"all": plan.config.get(section, {})} for section in OF_ALL}
    for dataset, run, _ in plan.results:
        for section, name in _behind(plan, dataset, run):
            if section == "method" or section in STAGES:
                found.setdefault(section, {})[name] = plan.cfg(section, name)
    return json.loads(json.dumps(found))  # as they are read


def _behind(plan, dataset, run):
    """Section and name of everything that a run is made with."""
    slices = [dataset, *plan.slices[dataset].get("slices", ())]
    return [*(("dataset", name) for name in slices), *((section, "all") for section in OF_ALL),
            *run.chosen.items(), ("method", run.method)]  # fmt: skip


def usable(plan, root):
    """Runs of a configuration whose values are kept and were made with its settings.

    A run is known by its dataset, seed and stages, whatever it is called. A setting that was not
    there then counts as equal at its default. The code is not compared.

    Returns
    -------
    found : dict of (str, str, int) to str
        Dataset, run and seed to the folder that keeps its values.
    other : list of str
        Settings in which kept runs that are in none of the folders as they are here differ, with
        what they were.
    """
    found, other, now = {}, {}, settings_of(plan)
    for folder in folders(root):
        then, compared = json.loads(Path(folder, SETTINGS).read_text()), {}
        with open(Path(folder, RUNS), newline="") as file:
            made = {row["folder"] for row in csv.DictReader(file, delimiter="\t")}
        for dataset, run, seed in plan.results:
            key = dataset, run.name, seed
            if key in found or run.folder(dataset, seed) not in made:
                continue
            differing = []
            for at in _behind(plan, dataset, run):
                if at not in compared:
                    old, new = then.get(at[0], {}).get(at[1], {}), now[at[0]][at[1]]
                    compared[at] = _differing(old, new, _defaults(plan, *at), ".".join(at))
                differing += compared[at]
            if differing:
                other.setdefault(key, []).extend(differing)
            else:
                found[key] = folder
    said = [line for key, lines in other.items() if key not in found for line in lines]
    return found, list(dict.fromkeys(said))


def _differing(old, new, defaults, where):
    missing = object()
    before = {key: old.get(key, defaults.get(key, missing)) for key in new}
    return [f"{where}.{key}: was {'not there' if value is missing else value}, is {new[key]}"
            for key, value in before.items() if value != new[key]]  # fmt: skip


def _defaults(plan, section, name):
    if section in STAGES:
        return STAGES[section].defaults
    if section == "method":
        return plan.card(name).defaults
    if section == "dataset":
        keys = load_schema("dataset")["properties"]
        return {key: schema["default"] for key, schema in keys.items() if "default" in schema}
    return {}
