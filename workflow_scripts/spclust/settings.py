"""From the user's configuration to the runs of the workflow.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

import ast
import difflib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml

from spclust.errors import UserError

STAGES = ("preprocess", "pseudolabels", "oversample", "graphs")
_LIBRARY = Path(__file__).parent
CONFIG_FOLDER = _LIBRARY.parents[1] / "config"
# modules that only say things: an edit must not make results stale
_SILENT = {"spclust.errors", "spclust.logs"}


@dataclass(frozen=True)
class Run:
    """One row of the result tables: a named setting per stage and a method.

    ``oversample`` is None where the method sees the original cells only.
    """

    name: str
    method: str
    preprocess: str
    pseudolabels: str
    oversample: str | None
    graphs: str
    needs: str

    def folder(self, dataset, seed):
        """Folder of the run's results; each stage's folder lies inside its upstream's."""
        chain = f"results/{dataset}/prep-{self.preprocess}/seed-{seed}"
        if self.oversample is not None:
            chain += f"/labels-{self.pseudolabels}/aug-{self.oversample}"
        if self.needs == "graphs":
            chain += f"/graph-{self.graphs}"
        return f"{chain}/method-{self.method}"


@dataclass
class Plan:
    """The resolved configuration.

    Attributes
    ----------
    datasets : dict of str to dict
        Definition of every dataset to run, defaults filled in.
    results : list of (str, Run, int)
        Every (dataset, run, seed) to compute.
    settings : dict of str to dict of str to dict
        Stage or ``methods`` to setting name to its values.
    """

    config: dict
    recipes: dict
    datasets: dict = field(default_factory=dict)
    results: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    def cfg(self, stage, name):
        """Values of a named setting, keys sorted (Snakemake compares ``repr`` of params)."""
        return dict(sorted(self.settings[stage][name].items()))

    def recipe(self, method):
        """Recipe of a named method setting."""
        return self.settings["methods"][method]["recipe"]

    def is_control(self, method):
        """Whether a method only bounds the tables: nothing of it is drawn or exported."""
        return self.recipes[self.recipe(method)].get("control", False)

    def env(self, method):
        """Environment file stem of a named method setting."""
        return self.recipes[self.recipe(method)]["env"]


def load_schema(name):
    """Read ``config/schemas/<name>.schema.yaml``."""
    return yaml.safe_load((CONFIG_FOLDER / "schemas" / f"{name}.schema.yaml").read_text())


def resolve(config, registry):
    """Validate a configuration and list what is to be run.

    Parameters
    ----------
    config : dict
        Merged configuration.
    registry : dict
        Name to definition of the datasets known by name.

    Raises
    ------
    UserError
        With every fault found: key path, what was found, what is allowed, a corrected line.
    """
    schema = load_schema("config")
    recipes = schema["$defs"]["recipes"]
    _check(config, schema, "configuration")
    plan = Plan(config, recipes)
    for stage in STAGES:
        plan.settings[stage] = _inherit(config[stage], lambda _: "default")
    for name, setting in config["methods"].items():
        if setting["recipe"] not in recipes:
            _unknown(f"methods.{name}.recipe", setting["recipe"], recipes)
        if setting["recipe"] not in config["methods"]:
            raise UserError(
                f"methods: the setting {setting['recipe']!r}, which {name!r} builds on, is missing"
            )
    plan.settings["methods"] = _inherit(config["methods"], lambda s: s["recipe"])
    for name, setting in config["methods"].items():
        recipe = recipes[setting["recipe"]]
        keys = {"recipe": {"type": "string"}, **recipe["properties"]}
        rules = {"type": "object", "additionalProperties": False, "properties": keys}
        _check(setting, rules, "configuration", ["methods", name])
    plan.datasets = _datasets(config, registry)
    runs = _runs(plan, {*plan.datasets, *registry})
    plan.results = [
        (dataset, run, seed)
        for dataset in plan.datasets
        for run, only in runs
        if only is None or dataset in only
        for seed in config["seeds"]
    ]
    return plan


def _inherit(settings, base_of):
    return {name: {**settings[base_of(own)], **own} for name, own in settings.items()}


def _datasets(config, registry):
    schema, found = load_schema("dataset"), {}
    defaults = {k: p["default"] for k, p in schema["properties"].items() if "default" in p}
    for i, entry in enumerate(config["datasets"]):
        where = f"datasets[{i}]"
        if isinstance(entry, str):
            if entry not in registry:
                _unknown(where, entry, registry)
            name, entry = entry, registry[entry]
            _check(entry, schema, "config/datasets.yaml", [name])
        else:
            _check(entry, schema, "configuration", [where])
            if "name" not in entry:
                raise UserError(f"{where}: a dataset needs a name; add e.g.  name: my_slice")
            name = entry["name"]
        sources = [k for k in ("path", "files", "simulate") if k in entry]
        if len(sources) != 1:
            raise UserError(
                f"{where} ({name}): exactly one of path, files and simulate says where the cells "
                f"come from, found {' and '.join(sources) or 'none'}; add e.g.  path: cells.csv"
            )
        if name in found:
            raise UserError(f"{where}: the name {name!r} is taken; rename one of the two")
        # keys left out of `simulate` have defaults of their own
        if "simulate" in entry:
            keys = schema["properties"]["simulate"]["properties"]
            filled = {k: p["default"] for k, p in keys.items()} | entry["simulate"]
            entry = entry | {"simulate": filled}
        found[name] = defaults | {"n_clusters": config["n_clusters"]} | entry | {"name": name}
    return found


def _runs(plan, known_datasets):
    runs, config = [], plan.config
    for i, entry in enumerate(config["runs"]):
        where = f"runs[{i}] ({entry['name']})"
        if entry["name"] in [run.name for run, _ in runs]:
            raise UserError(f"{where}: the name is taken; rename one of the two runs")
        method = entry.get("method", "spclust")
        if method not in config["methods"]:
            _unknown(f"{where}.method", method, config["methods"])
        needs = plan.recipes[plan.recipe(method)]["needs"]
        chosen = {stage: entry.get(stage, "default") for stage in STAGES}
        if needs == "cells":
            chosen["oversample"] = entry.get("oversample")
        for stage, name in chosen.items():
            if name is not None and name not in config[stage]:
                _unknown(f"{where}.{stage}", name, config[stage])
        only = entry.get("datasets")
        for name in only or ():
            if name not in known_datasets:
                _unknown(f"{where}.datasets", name, known_datasets)
        runs.append((Run(name=entry["name"], method=method, needs=needs, **chosen), only))
    return runs


def file_name(file):
    """Name under which a downloaded file of the registry is kept."""
    return file.get("name") or unquote(urlsplit(file["url"]).path.rsplit("/", 1)[-1])


def local_files(definition):
    """Files behind a dataset's ``path``; a folder counts as all its tables."""
    paths = definition["path"]
    paths = [paths] if isinstance(paths, str) else paths
    files = []
    for path in map(Path, paths):
        inside = sorted(str(f) for f in path.rglob("*.csv")) if path.is_dir() else []
        if path.is_dir() and not inside:
            raise UserError(f"{path}: the folder of {definition['name']!r} holds no .csv table")
        files += inside or [str(path)]
    return files


def import_cfg(definition):
    """The part of a dataset's definition that decides what is imported, keys sorted."""
    elsewhere = {"files", "simulate", "n_clusters"}
    return {k: v for k, v in sorted(definition.items()) if k not in elsewhere}


def _unknown(where, found, allowed):
    near = difflib.get_close_matches(str(found), list(allowed), 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    known = ", ".join(sorted(allowed))
    raise UserError(f"{where}: {found!r} is not known{hint} Known are: {known}")


def _check(instance, schema, source, prefix=()):
    errors = jsonschema.Draft202012Validator(schema).iter_errors(instance)
    lines = [_explain(e, prefix) for e in sorted(errors, key=lambda e: list(map(str, e.path)))]
    if lines:
        raise UserError(f"{source}:\n  " + "\n  ".join(lines))


def _explain(error, prefix):
    """One line for one fault: key path, found, allowed, and a corrected line."""
    path, value, schema = [*prefix, *error.absolute_path], error.instance, error.schema
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    key = next((p for p in reversed(path) if isinstance(p, str)), "")
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        extra = sorted(set(value) - set(known))
        notes = []
        for name in extra:
            near = difflib.get_close_matches(name, known, 1)
            line = f"write  {near[0]}: {yaml_value(value[name])}" if near else "remove it"
            notes.append(f"unknown key {name!r}; {line} (allowed: {', '.join(known)})")
        return f"{where or 'top level'}: {'; '.join(notes)}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in value]
        return f"{where or 'top level'}: the key {missing[0]!r} is missing; add  {missing[0]}: ..."
    if isinstance(value, str) and _wants_number(schema) and _as_number(value) is not None:
        number = _as_number(value)
        return (
            f"{where}: found the text {value!r} where a number is expected (YAML reads 1e-3 as "
            f"text, and 1.0e-3 as a number); write  {key}: {number!r}"
        )
    example = f"{key}: {_example(schema)}"
    return f"{where}: found {value!r}, allowed is {_allowed(schema)}; write e.g.  {example}"


def yaml_value(value):
    """A value as one would type it in YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6).strip()
    return text.removesuffix("\n...").strip()


def _types(schema):
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _wants_number(schema):
    options = [schema, *schema.get("anyOf", [])]
    return any(t in ("number", "integer") for s in options for t in _types(s))


def _as_number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _allowed(schema):
    if "anyOf" in schema:
        return " or ".join(_allowed(s) for s in schema["anyOf"])
    if "$ref" in schema:
        return "a name of letters, digits, '_' and '.'"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "pattern" in schema:
        return f"text that matches {schema['pattern']}"
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
        "object": "a mapping",
        "null": "null",
    }
    text = " or ".join(words[t] for t in _types(schema))
    for key, word in (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="),
                      ("exclusiveMaximum", "<"), ("minItems", "of length >=")):  # fmt: skip
        if key in schema:
            text += f" {word} {schema[key]}"
    return text + (" without repeats" if schema.get("uniqueItems") else "")


def _example(schema):
    schema = schema.get("anyOf", [schema])[0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = (_types(schema) or ["string"])[0]
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    samples = {"integer": low, "number": low, "boolean": "true", "array": "[...]"}
    return samples.get(kind, "a_name")


def code_hash(script, *modules):
    """Fingerprint of the library code that a script uses, directly or through other modules.

    Snakemake notices an edited script but not an edited module that the script imports.

    Parameters
    ----------
    script : str
        Name of an adapter, without ``.py``.
    modules : str
        Dotted names of modules that the script loads by name.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    todo, seen = [_LIBRARY.parent / f"{script}.py"], {}
    todo += [_module_file(m) for m in modules]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        source = path.read_bytes()
        seen[path] = source
        todo += [_module_file(m) for m in _imports(source) if m not in _SILENT]
    # the adapter itself is tracked by Snakemake
    digest = hashlib.sha256()
    for path in sorted(p for p in seen if _LIBRARY in p.parents):
        digest.update(seen[path])
    return digest.hexdigest()[:12]


def _imports(source):
    """Dotted names of this library's modules that a source file imports anywhere in it."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [n for n in names if n.split(".")[0] == "spclust" and _module_file(n) is not None]


def _module_file(name):
    base = _LIBRARY.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
