"""From the user's configuration to the runs of the workflow.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from spclust.errors import UserError
from spclust.validation import check, unknown

STAGES = ("preprocess", "pseudolabels", "oversample", "graphs")
CONFIG_FOLDER = Path(__file__).parents[2] / "config"


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

    def trains(self, method):
        """Whether a method trains a network, and so learns an embedding."""
        return self.recipes[self.recipe(method)].get("trains", False)

    def on_gpu(self, method):
        """Whether a method uses a GPU where there is one: all that train, unless they say not."""
        return self.trains(method) and self.recipes[self.recipe(method)].get("gpu", True)

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
    check(config, schema, "configuration")
    plan = Plan(config, recipes)
    for stage in STAGES:
        plan.settings[stage] = _inherit(config[stage], lambda _: "default")
    for name, setting in config["methods"].items():
        if setting["recipe"] not in recipes:
            unknown(f"methods.{name}.recipe", setting["recipe"], recipes)
        if setting["recipe"] not in config["methods"]:
            raise UserError(
                f"methods: the setting {setting['recipe']!r}, which {name!r} builds on, is missing"
            )
    plan.settings["methods"] = _inherit(config["methods"], lambda s: s["recipe"])
    for name, setting in config["methods"].items():
        recipe = recipes[setting["recipe"]]
        keys = {"recipe": {"type": "string"}, **recipe["properties"]}
        rules = {"type": "object", "additionalProperties": False, "properties": keys}
        check(setting, rules, "configuration", ["methods", name])
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
                unknown(where, entry, registry)
            name, entry = entry, registry[entry]
            check(entry, schema, "config/datasets.yaml", [name])
        else:
            check(entry, schema, "configuration", [where])
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
        only = entry.get("datasets")
        # a method may have other settings on other slices
        for run, taken in runs:
            if run.name == entry["name"] and not (only and taken and not set(only) & set(taken)):
                raise UserError(f"{where}: the name is taken; rename one of the two runs")
        method = entry.get("method", "spclust")
        if method not in config["methods"]:
            unknown(f"{where}.method", method, config["methods"])
        needs = plan.recipes[plan.recipe(method)]["needs"]
        chosen = {stage: entry.get(stage, "default") for stage in STAGES}
        if needs == "cells":
            chosen["oversample"] = entry.get("oversample")
        for stage, name in chosen.items():
            if name is not None and name not in config[stage]:
                unknown(f"{where}.{stage}", name, config[stage])
        for name in only or ():
            if name not in known_datasets:
                unknown(f"{where}.datasets", name, known_datasets)
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
    elsewhere = {"files", "simulate", "n_clusters", "label_origin"}
    return {k: v for k, v in sorted(definition.items()) if k not in elsewhere}
