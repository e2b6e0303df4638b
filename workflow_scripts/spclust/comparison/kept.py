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

from spclust.comparison.files import KEPT, broken
from spclust.errors import UserError
from spclust.plan import runs as planned_runs
from spclust.plan.contradictions import refuse_path
from spclust.plan.datasets import OF_COMPARISON, PROJECT, compared_definition, defaults_of, placed
from spclust.plan.first_defaults import of_then
from spclust.plan.stages import STAGES

RUNS, _, SETTINGS = KEPT
# sections of the configuration that lie behind every run
KNOWLEDGE, EVALUATION = "knowledge", "evaluation"
OF_ALL = (EVALUATION, KNOWLEDGE)
ABSENT = "not there"
# of a file that does not hold settings
UNREADABLE = (ValueError, TypeError, AttributeError)


def root_of(config):
    """The folder that a configuration's ``kept`` names, or None.

    Raises
    ------
    UserError
        Where there is none.
    """
    kept = config.get("kept")
    if kept:
        refuse_path("kept", kept, "kept: null")
    root = kept and placed(kept)
    if root and not root.is_dir():
        raise UserError(
            f"kept: there is no folder {kept!r} in {Path.cwd()} or in {PROJECT}; correct its path, "
            "or write  kept: null"
        )
    written = Path.cwd().resolve() / "results"
    if root and (root.resolve() in (written.parent, written) or written in root.resolve().parents):
        raise UserError(
            f"kept: {kept} holds what the workflow writes, or lies in it, and would be replaced; "
            f"copy {', '.join(KEPT)} to a folder of their own and write e.g.  kept: kept"
        )
    return root


def check(root):
    """Read all files that :func:`usable` will go by.

    Raises
    ------
    UserError
        For a folder whose files cannot be read, or that lacks one of three: its runs would be
        made anew, and nobody told.
    """
    beside = {path.parent for name in KEPT for path in Path(root).rglob(name)} if root else ()
    for folder in sorted(beside):
        lost = [path for path in files([folder]) if not Path(path).is_file()]
        if len(lost) == 1:
            raise broken(lost[0], FileNotFoundError("it is not there"))
    for folder in folders(root):
        _read(folder)


def folders(root):
    """Folders at or below another one that hold all the files, in the order of their names."""
    places = sorted({path.parent for path in Path(root).rglob(RUNS)}) if root else []
    return [str(at) for at in places if all(Path(file).is_file() for file in files([at]))]


def files(folders):
    """The files of some folders."""
    return [f"{folder}/{name}" for folder in folders for name in KEPT]


def settings_of(plan, runs=None):
    """What :func:`values_behind` returns, as it is read from its file."""
    return json.loads(json.dumps(values_behind(plan, runs)))


def values_behind(plan, runs=None):
    """All values behind the runs of a configuration, or behind some.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan
    runs : iterable of (str, dict), optional
        Dataset of a run and what it is made with, see :attr:`spclust.plan.settings.Run.made_with`.

    Returns
    -------
    dict of str to dict of str to dict
        Section (``dataset``, a stage, ``method``, ...) to name to values.
    """
    if runs is None:
        runs = ((dataset, run.made_with) for dataset, run, _ in plan.results)
    sections = {}
    for dataset, made_with in runs:
        for section, name in _behind(plan, dataset, made_with):
            named = sections.setdefault(section, {})
            if name not in named:
                named[name] = _values(plan, section, name)
    return sections


def _behind(plan, dataset, made_with):
    """Section and name of everything that a run is made with."""
    slices = [dataset, *plan.slices[dataset].get("slices", ())]
    parts = [
        *(("dataset", name) for name in slices),
        *((section, "all") for section in OF_ALL),
        *made_with.items(),
    ]
    # first labels may be another run's clusters
    first = plan.settings["pseudolabels"].get(made_with.get("pseudolabels"), {})
    if first.get("method") == "run":
        parts += _behind(plan, dataset, planned_runs.named(plan, first["run"], dataset).made_with)
    return parts


def _values(plan, section, name):
    if section == "dataset":
        # where the cells lie, and what is said of them, decides nothing
        silent = {*OF_COMPARISON, "path", "samples"}
        values = {key: value for key, value in plan.slices[name].items() if key not in silent}
        return compared_definition(values)
    if section == EVALUATION:
        return plan.analysis_cfg("metrics")
    return plan.config.get(section, {}) if section == KNOWLEDGE else plan.cfg(section, name)


def differing(plan, dataset, run, then, now, compared):
    """Settings of a run that are not those it was made with, and what they were.

    A setting that one of the two lacks counts as the default that it came with. Of knowledge
    ``then`` may know nothing.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan
    dataset : str
    run : spclust.plan.settings.Run
    then, now : dict
        Of :func:`settings_of`, or of its file.
    compared : dict
        What is known of ``then`` already, to spare work on many runs; empty at first.

    Returns
    -------
    list of str
    """
    differences = []
    for at in _behind(plan, dataset, run.made_with):
        if at[0] == KNOWLEDGE not in then:
            continue
        if at not in compared:
            old, new = then.get(at[0], {}).get(at[1], {}), now[at[0]][at[1]]
            compared[at] = _differing(old, new, _defaults(plan, *at), ".".join(at))
        differences += compared[at]
    return differences


def usable(plan, root):
    """Runs of a configuration whose values are kept and were made with its settings.

    A run is known by its dataset, seed and stages, whatever it is called. Of one that several
    folders keep, those made last count. What files hold is not compared, and of the code only
    :mod:`spclust.comparison.code_page` says whether it is the same.

    Returns
    -------
    found : dict of (str, str, int) to str
        Dataset, run and seed to the folder that keeps its values.
    other : list of str
        Settings in which kept runs that are in none of the folders as they are here differ, with
        what they were.

    Raises
    ------
    UserError
        For a folder whose files cannot be read.
    """
    folder_of, days, other, now = {}, {}, {}, settings_of(plan)
    for folder in folders(root):
        (then, made), compared = _read(folder), {}
        for dataset, run, seed in plan.results:
            key = dataset, run.name, seed
            day = made.get(run.folder(dataset, seed))
            if day is None or (key in folder_of and day <= days[key]):
                continue
            changed = differing(plan, dataset, run, then, now, compared)
            if changed:
                other.setdefault(key, []).extend(changed)
            else:
                folder_of[key], days[key] = folder, day
    said = [line for key, lines in other.items() if key not in folder_of for line in lines]
    return folder_of, list(dict.fromkeys(said))


def _read(folder):
    """Settings of what a folder keeps, and of its runs the folder and the day."""
    name = SETTINGS
    try:
        then = read_settings(Path(folder, SETTINGS))
        name = RUNS
        with open(Path(folder, RUNS), newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            whole = (_whole(row, rows.line_num) for row in rows)
            return then, {row["folder"]: row.get("made", "") for row in whole}
    except (*UNREADABLE, KeyError, csv.Error) as error:
        raise broken(f"{folder}/{name}", error) from None


def read_settings(file):
    """What :func:`settings_of` returned, from its file.

    Raises
    ------
    ValueError, TypeError, AttributeError
        Where that is not what the file holds, see :data:`UNREADABLE`.
    """
    sections = json.loads(Path(file).read_text())
    return {
        section: {of: dict(values) for of, values in named.items()}
        for section, named in sections.items()
    }


def _whole(row, line):
    if None in row or None in row.values():
        raise ValueError(f"line {line} has not as many fields as the first")
    return row


def _differing(old, new, defaults, where):
    """Settings that differ; ``defaults`` has the default of each that there may be."""
    lines = []
    for key in dict.fromkeys([*new, *old]):
        before, after = (values.get(key, defaults.get(key, ABSENT)) for values in (old, new))
        if before != after:
            lines.append(f"{where}.{key}: was {before}, is {after}")
    return lines


def _defaults(plan, section, name):
    """Default that each setting came with."""
    if section == KNOWLEDGE:
        return {}
    if section == "method":
        card = plan.card(name)
        return of_then(f"method.{card.name}", card.defaults)
    if section == EVALUATION:
        return of_then("analysis.metrics", plan.analysis_cards["metrics"].defaults)
    defaults = STAGES[section].defaults if section in STAGES else defaults_of(section)
    return of_then(section, defaults)
