"""Values of runs that are kept when results/ is gone, and whether they are of equal settings.

A folder holds ``runs.tsv`` (scores and costs, a row for each run and seed), ``classes.tsv`` (its
rare classes) and ``settings.json`` (all values behind the runs). Every comparison writes them; it
takes those of an earlier one in place of runs, so that parts which were run one by one, or apart,
are joined and none is run twice.

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


def files(folder):
    """The files of a folder, none where they are not all there."""
    paths = [Path(folder, name) for name in KEPT] if folder else []
    return [str(path) for path in paths] if all(path.is_file() for path in paths) else []


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


def usable(plan, folder):
    """Runs of a configuration whose values are kept and were made with its settings.

    A setting that was not there then counts as equal at its default. The code is not compared.

    Returns
    -------
    found : set of (str, str, int)
        Dataset, run and seed.
    other : list of str
        Settings in which other kept runs differ, with what they were.
    """
    if not files(folder):
        return set(), []
    then, now = json.loads(Path(folder, SETTINGS).read_text()), settings_of(plan)
    with open(Path(folder, RUNS), newline="") as file:
        rows = {(row["dataset"], row["run"], int(row["seed"])): row["folder"]
                for row in csv.DictReader(file, delimiter="\t")}  # fmt: skip
    found, other, compared = set(), {}, {}
    for dataset, run, seed in plan.results:
        key = dataset, run.name, seed
        if rows.get(key) != run.folder(dataset, seed):
            if key in rows:
                other.setdefault(f"{run.name}: its stages are other ones")
            continue
        differing = []
        for at in _behind(plan, dataset, run):
            if at not in compared:
                old, new = then.get(at[0], {}).get(at[1], {}), now[at[0]][at[1]]
                compared[at] = _differing(old, new, _defaults(plan, *at), ".".join(at))
            differing += compared[at]
        if differing:
            other |= dict.fromkeys(differing)
        else:
            found.add(key)
    return found, list(other)


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
