"""What a dataset is: an entry of the configuration or of the registry, checked and completed.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

import copy
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from spclust.data import folders, formats
from spclust.data.scores import TITLES
from spclust.errors import UserError
from spclust.plan import sheets
from spclust.plan.contradictions import refuse_path, refuse_ranges
from spclust.plan.first_defaults import compared
from spclust.plan.schema_messages import check, shown, unknown

PROJECT = Path(__file__).parents[3]
CONFIG_FOLDER = PROJECT / "config"
SHIPPED = "config/datasets.yaml"
# folders of results/ that are no dataset's, and what metrics call all slices of one
RESERVED = (
    "summary",
    "comparison",
    "comparison_so_far",
    "studies",
    "studies_so_far",
    "logs",
    "benchmarks",
    "all",
)
SOURCES = ("path", "files", "simulate", "slices")
# what only the pages of a comparison tell
OF_COMPARISON = ("label_origin", "label_kind", "labels_seen", "study")


def load_schema(name):
    """Read ``config/schemas/<name>.schema.yaml``, with the formats and the scores there are."""
    schema = copy.deepcopy(_parsed(CONFIG_FOLDER / "schemas" / f"{name}.schema.yaml"))
    if name == "dataset":
        schema["properties"]["format"]["enum"] = sorted(formats.names())
    if name == "config":
        schema["$defs"]["score"]["enum"] = list(TITLES)
        value = schema["$defs"]["value"]
        schema["$defs"]["published"]["properties"] = dict.fromkeys(TITLES, value)
    return schema


@cache
def _parsed(path):
    """A YAML file, whose reading takes longer than all that is done with it."""
    return yaml.safe_load(path.read_text())


def registry(config):
    """Datasets known by name: the shipped ones and those of the configuration's ``registries``.

    Parameters
    ----------
    config : dict
        Checked configuration.

    Returns
    -------
    dict of str to (str, dict)
        Name to the file that defines it, and the definition as it stands there.

    Raises
    ------
    UserError
        Naming the file, and what to change in it.
    """
    entries = {name: (SHIPPED, entry) for name, entry in _parsed(PROJECT / SHIPPED).items()}
    name_of_one = _parsed(CONFIG_FOLDER / "schemas/config.schema.yaml")["$defs"]["name"]
    schema = {
        "type": "object",
        "propertyNames": name_of_one,
        "additionalProperties": {"type": "object"},
    }
    for file in config.get("registries", ()):
        for name, entry in check(_own_registry(file), schema, file).items():
            if name in entries:
                raise UserError(
                    f"registries: {file}: the name {name!r} is taken by {entries[name][0]}; rename "
                    f"it, e.g.  my_{name}:"
                )
            entries[name] = file, entry
    return entries


def _own_registry(file):
    refuse_path("registries", file, "registries: [my_slices.yaml]")
    path = placed(file)
    if not path.is_file():
        raise UserError(
            f"registries: there is no file {file!r} in {Path.cwd()} or in {PROJECT}; correct its "
            "path, or write  registries: []"
        )
    try:
        return _parsed(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" in line {mark.line + 1}" if mark else ""
        raise UserError(
            f"registries: {file} cannot be read as YAML{at}: {getattr(error, 'problem', error)}; "
            "correct it there"
        ) from None


def placed(path):
    """Where a path of the configuration leads: from where Snakemake runs, or else the project."""
    return next((at for at in (Path.cwd() / path, PROJECT / path) if at.exists()), Path(path))


def resolve(config, registry):
    """Every dataset to run, and those that cohorts are made of.

    Parameters
    ----------
    config : dict
        Checked configuration.
    registry : dict of str to (str, dict)
        Of :func:`registry`.

    Returns
    -------
    datasets, slices : dict of str to dict
        Name to definition, defaults filled in; the latter has the slices of cohorts, too.

    Raises
    ------
    UserError
        Naming the entry and a better line.
    """
    datasets, slices = {}, {}
    schema = load_schema("dataset")
    names = {
        entry["name"]
        for entry in config["datasets"]
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }
    for i, entry in enumerate(config["datasets"]):
        where = f"datasets[{i}]"
        if isinstance(entry, str) and entry in names and entry not in registry:
            continue  # defined further on
        definition = _definition(entry, where, schema, registry, config)
        name = definition["name"]
        if name in datasets or name in slices:
            raise UserError(f"{where}: the name {name!r} is taken; rename one of the two")
        datasets[name] = slices[name] = definition
    for name in list(datasets):
        definition = datasets[name]
        if "slices" not in definition:
            continue
        where, members = f"dataset {name!r}, slices", []
        for entry in definition["slices"]:
            member = entry if isinstance(entry, str) else entry.get("name")
            if isinstance(entry, dict) or member not in slices:
                member_definition = _definition(entry, where, schema, registry, config)
                if "slices" in member_definition:
                    raise UserError(
                        f"{where}: {member_definition['name']!r} is a cohort; name its slices"
                    )
                if isinstance(entry, dict) and member_definition["name"] in slices:
                    raise UserError(
                        f"{where}: the name {member_definition['name']!r} is taken; rename it"
                    )
                slices[member_definition["name"]] = member_definition
            elif "slices" in slices[member]:
                raise UserError(f"{where}: {member!r} is a cohort; name its slices instead")
            members.append(member)
        if len(set(members)) < len(members):
            raise UserError(f"{where}: a slice stands twice; remove one")
        _refuse_twins(where, {member: slices[member].get("path") for member in members})
        definition["slices"] = members
    return datasets, slices


def _refuse_twins(where, paths):
    """Refuse slices of a cohort that are one and the same file."""
    seen = {}
    for member, path in paths.items():
        other = seen.setdefault(repr(path), member)
        if path and other != member:
            raise UserError(
                f"{where}: {other!r} and {member!r} are of the same file {shown(path)}; correct "
                "the path of one or remove it; for several images in one table write  image:"
            )


def _definition(entry, where, schema, registry, config):
    """One dataset with its defaults, checked."""
    if isinstance(entry, str):
        if entry not in registry:
            unknown(where, entry, registry)
        name = entry
        file, entry = registry[name]
        entry = check(entry, schema, file, [name])
    else:
        entry = check(entry, schema, "configuration", [where])
        if "name" not in entry:
            raise UserError(f"{where}: a dataset needs a name; add e.g.  name: my_slice")
        name = entry["name"]
    if name in RESERVED:
        raise UserError(
            f"{where}: {name!r} is a name of the workflow's own (in results/ or in tables); write "
            f"e.g.  name: my_{name}"
        )
    sources = [k for k in SOURCES if k in entry]
    if len(sources) != 1:
        remedy = "remove all but one" if sources else "add e.g.  path: cells.csv"
        raise UserError(
            f"{where} ({name}): exactly one of {', '.join(SOURCES)} says where the cells come "
            f"from, found {' and '.join(sources) or 'none'}; {remedy}"
        )
    files = [file_name(file) for file in entry.get("files", ())]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice:
        raise UserError(
            f"{where} ({name}): two of `files` are kept as {twice!r}; give one another  name:"
        )
    for file in files:
        if not re.fullmatch(r"[^/{}\x00-\x1f]{1,200}", file) or file in (".", ".."):
            raise UserError(
                f"{where} ({name}): {shown(file)}, the last part of an `url`, cannot be the name "
                "of a file here; give it another  name:"
            )
    for path in _paths(entry):
        refuse_path(f"{where} ({name}), path", path, "path: cells.csv")
    if "samples" in entry:
        refuse_path(f"{where} ({name}), samples", entry["samples"], "samples: samples.csv")
    if isinstance(entry.get("rename"), str):
        refuse_path(f"{where} ({name}), rename", entry["rename"], "rename: panel.csv")
    refuse_ranges(f"{where} ({name}), exclude_cells", entry.get("exclude_cells", {}))
    if "path" in entry:
        local_files({"name": name, "path": entry["path"]})  # refuses a folder without tables
    # keys left out of `simulate` have defaults of their own
    if "simulate" in entry:
        entry = entry | {"simulate": defaults_of("simulate") | entry["simulate"]}
    own = {"n_clusters": config["n_clusters"]} | entry | {"name": name}
    return defaults_of("dataset") | own


def file_name(file):
    """Name under which a downloaded file of the registry is kept."""
    return file.get("name") or unquote(urlsplit(file["url"]).path.rsplit("/", 1)[-1])


def _paths(definition):
    """What stands as a dataset's ``path``, as a list."""
    paths = definition.get("path", [])
    return [paths] if isinstance(paths, str) else list(getattr(paths, "values", lambda: paths)())


def local_files(definition):
    """Files behind a dataset's ``path``; a folder counts as all the files in it."""
    paths = _paths(definition)
    if isinstance(definition["path"], dict):
        return paths
    files = []
    for path in map(Path, paths):
        files += map(str, folders.of_cells(path) if path.is_dir() else [path])
    return files


def formats_of(definition):
    """Formats whose readers may be asked for the files of a dataset, which need not be there."""
    if "format" in definition:
        return [definition["format"]]
    if "path" in definition:
        return formats.reading(local_files(definition))
    # what is simulated is written as h5ad
    downloads = [file_name(file) for file in definition.get("files", [{"name": "cells.h5ad"}])]
    return formats.reading(downloads)


def import_cfg(definition):
    """The part of a dataset's definition that decides what is imported."""
    elsewhere = {"files", "simulate", "slices", "n_clusters", "samples", *OF_COMPARISON}
    cfg = {key: value for key, value in definition.items() if key not in elsewhere}
    return compared_definition(cfg | sheets.pixel_sizes(definition))


def joining_cfg(definition, slices):
    """The part of a cohort's definition that decides what its slices are joined to.

    Pixel sizes of its sheet are none of it where all slices name the same sheet: they are in µm.
    """
    cfg = {key: definition[key] for key in ("min_label_size", "slices")}
    named = {slices[name].get("samples") for name in definition["slices"]}
    return cfg if named == {definition.get("samples")} else cfg | sheets.pixel_sizes(definition)


def compared_definition(definition):
    """A dataset's definition, or a part of it, as Snakemake is to compare it."""
    if "simulate" in definition:
        simulate = compared("simulate", definition["simulate"], defaults_of("simulate"))
        definition = definition | {"simulate": simulate}
    return compared("dataset", definition, defaults_of("dataset"))


def defaults_of(section):
    """Default of each key that has one: of a ``dataset``, or of its ``simulate``."""
    keys = _parsed(CONFIG_FOLDER / "schemas/dataset.schema.yaml")["properties"]
    keys = keys["simulate"]["properties"] if section == "simulate" else keys
    return {key: schema["default"] for key, schema in keys.items() if "default" in schema}
