"""Settings that contradict each other, found before anything runs.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

import re

from spclust.data import shipped
from spclust.data.contradictions import refuse_contradiction
from spclust.errors import UserError
from spclust.plan import runs
from spclust.plan.schema_corrections import as_name, corrected, passes
from spclust.plan.schema_messages import shown, unknown, yaml_value
from spclust.plan.stages import STAGES

LIKE_A_FILE = re.compile(r"/|\.(csv|tsv|txt|h5ad|h5mu|zarr|parquet|xlsx)(\.gz)?$", re.IGNORECASE)


def refuse_contradictions(settings):
    """Refuse named settings that contradict themselves.

    Parameters
    ----------
    settings : dict of str to dict of str to dict
        Section to name to values.

    Raises
    ------
    UserError
    """
    for section, named in settings.items():
        for name, values in named.items():
            refuse_contradiction(f"{section}.{name}", values)


def refuse_nameless(config, found_cards, found_analyses):
    """Refuse a setting that stands where the name of a set of them is wanted.

    Parameters
    ----------
    config : dict
        The configuration as it was written.
    found_cards : dict of str to Card
    found_analyses : dict of str to Analysis

    Raises
    ------
    UserError
        With the first of them, and what to write below which name.
    """
    given = config.get("analyses")
    given = given if isinstance(given, dict) else {}
    sections = [(stage.name, config.get(stage.name), stage) for stage in STAGES.values()]
    sections += [(f"analyses.{c.name}", given.get(c.name), c) for c in found_analyses.values()]
    # of a setting of several methods, spClust's is meant
    methods = sorted(found_cards.values(), key=lambda card: card.name != "spclust")
    sections += [("method", config.get("method"), card) for card in methods]
    for where, section, card in sections:
        name = card.name if where == "method" else "default"
        for key, value in section.items() if isinstance(section, dict) else ():
            schema = card.settings.get(key)
            if schema is None or key in found_cards:
                continue
            # what else is a mapping may be a set of settings of that name
            if isinstance(value, dict) and not (value and passes(value, schema, {})):
                continue
            there = section.get(name)
            there = there if isinstance(there, dict) else {}
            line = yaml_value({name: there | {key: corrected(value, schema, {})[0]}})
            raise UserError(
                f"{where}.{key}: settings stand below a name; write  {line[1:-1]}  in its place"
            )


def refuse_circles(plan):
    """Refuse first labels by a run that is not there, or that needs them itself.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan
        With its results.

    Raises
    ------
    UserError
    """
    for dataset, start in {
        (dataset, run.name): (dataset, run) for dataset, run, _ in plan.results
    }.values():
        run, passed = start, []
        while (setting := run.chosen.get("pseudolabels")) is not None:
            values = plan.settings["pseudolabels"][setting]
            if values["method"] != "run":
                break
            if setting in passed:
                raise UserError(
                    f"pseudolabels.{setting}.run: the run {start.name} would take its first labels "
                    f"from clusters that need them ({' -> '.join([*passed, setting])}); name a run "
                    "that goes through another setting of pseudolabels, or through none"
                )
            passed.append(setting)
            name, run = values["run"], runs.named(plan, values["run"], dataset)
            if run is None:
                names = {r.name for d, r, _ in plan.results if d == dataset}
                unknown(f"pseudolabels.{setting}.run (on {dataset})", name, names)


def refuse_files(datasets, where="datasets"):
    """Refuse the path of a file where a dataset's name or entry is wanted.

    Parameters
    ----------
    datasets : object
        A list of datasets, or of the slices of one, as it was written.
    where : str

    Raises
    ------
    UserError
    """
    for i, entry in enumerate(datasets if isinstance(datasets, list) else ()):
        if isinstance(entry, dict):
            refuse_files(entry.get("slices"), f"{where}[{i}].slices")
        elif isinstance(entry, str) and LIKE_A_FILE.search(entry):
            name = as_name(LIKE_A_FILE.sub("", entry.rstrip("/").rsplit("/", 1)[-1])) or "mine"
            line = yaml_value([{"name": name, "path": entry}])
            raise UserError(
                f"{where}[{i}]: {shown(entry)} is a file, which needs a name; write  "
                f"{where.rsplit('.', 1)[-1]}: {line}"
            )


def refuse_knowledge(named):
    """Refuse paths of tables of knowledge, by table, as :func:`refuse_path` does, and tissues."""
    for table in named:
        for path in shipped.named(named, table):
            refuse_path(f"knowledge.{table}", str(path), f"{table}: [shipped]")


def refuse_path(where, path, remedy):
    """Refuse a path that Snakemake takes for a pattern, or that no file system can hold.

    Raises
    ------
    UserError
    """
    if re.search(r"[{}\x00-\x1f]", path):
        raise UserError(
            f"{where}: {shown(path)} holds a brace or a character that cannot be seen, "
            f"which names of files cannot have here; rename the file, e.g.  {remedy}"
        )
    if any(len(part.encode()) > 255 for part in path.split("/")) or len(path) > 4000:
        raise UserError(
            f"{where}: {shown(path)} is longer than a name of a file can be; write e.g.  {remedy}"
        )


def refuse_ranges(where, ranges):
    """Refuse ranges, by column, that hold nothing or everything.

    Raises
    ------
    UserError
    """
    for column, (least, largest) in ranges.items():
        if least is None and largest is None:
            raise UserError(
                f"{where}: {column!r} has no limit; write e.g.  {column}: [20, null]  or take it "
                "out"
            )
        # a number and a percentile can only be compared once the cells are read
        numbers = [
            float(limit.rstrip("%")) if isinstance(limit, str) else limit
            for limit in (least, largest)
        ]
        same_kind = isinstance(least, str) == isinstance(largest, str)
        if None not in numbers and same_kind and numbers[0] > numbers[1]:
            raise UserError(
                f"{where}: {column!r} is to be from {least} to {largest}, which no value is; write "
                f" {column}: [{largest}, {least}]"
            )
