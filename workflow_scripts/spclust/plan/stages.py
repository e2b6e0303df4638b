"""The stages between a dataset and a method, and the folders and wildcards that follow from them.

Imported by Snakemake itself, so it may use the standard library and PyYAML only. A run's folder
lies inside the folders of the stages it went through, each named ``<stage>-<setting>``, so that
runs share what they have in common and a path tells its lineage::

    <dataset>/preprocess-default/seed-42/pseudolabels-default/oversample-default/
        graphs-default/method-spclust/
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

NAME = "[A-Za-z0-9][A-Za-z0-9_.]*"


@dataclass(frozen=True)
class Stage:
    """An entry of ``stages.yaml``, which tells what each field means."""

    name: str
    rule: str
    once_per: str
    settings: dict
    makes: tuple = ()
    needs: tuple = ()
    needs_where: dict = field(default_factory=dict)
    named: dict = None

    def needed(self, settings):
        """Stages that a run needs before this one, with these of its settings."""
        of_values = [needs.get(settings[key], ()) for key, needs in self.needs_where.items()]
        return [*self.needs, *(name for names in of_values for name in names)]

    @property
    def defaults(self):
        """Default of each setting."""
        return {key: schema["default"] for key, schema in self.settings.items()}


def _load():
    entries = yaml.safe_load(Path(__file__).with_name("stages.yaml").read_text())
    lists = ("makes", "needs")
    return {
        name: Stage(
            name=name,
            named=entry.pop("named", {}),
            **{key: tuple(value) if key in lists else value for key, value in entry.items()},
        )
        for name, entry in entries.items()
    }


STAGES = _load()
OF_DATASET = [s.name for s in STAGES.values() if s.once_per == "dataset"]
OF_REPLICATE = [s.name for s in STAGES.values() if s.once_per == "replicate"]


def with_needed(names, settings):
    """Stages (once per replicate) with those that they need, in order.

    Parameters
    ----------
    names : iterable of str
    settings : callable
        A stage's name to the values of its settings.
    """
    todo, chosen = list(names), set()
    while todo:
        name = todo.pop()
        if name not in chosen:
            chosen.add(name)
            todo += STAGES[name].needed(settings(name))
    return [name for name in OF_REPLICATE if name in chosen]


def run_folder(dataset, seed, chosen, method):
    """Folder of a run below ``results``.

    Parameters
    ----------
    dataset : str
    seed : int
    chosen : dict of str to str
        Setting of each stage that the run goes through.
    method : str
    """
    parts = [f"{stage}-{chosen[stage]}" for stage in OF_REPLICATE if stage in chosen]
    return "/".join([replicate_folder(dataset, seed, chosen), *parts, f"method-{method}"])


def replicate_folder(dataset, seed, chosen):
    """Folder below ``results`` of what all runs of a dataset and a seed share."""
    return "/".join([dataset, *(f"{s}-{chosen[s]}" for s in OF_DATASET), f"seed-{seed}"])


def wildcards_of(dataset, seed, chosen, method):
    """Wildcards of the files in a run's folder, what :func:`chosen_in` takes apart again.

    Parameters are those of :func:`run_folder`.
    """
    chain = "".join(f"{stage}-{chosen[stage]}/" for stage in OF_REPLICATE if stage in chosen)
    named = {stage: chosen[stage] for stage in OF_DATASET}
    return {"dataset": dataset, "seed": str(seed), "chain": chain, "method": method} | named


def pathvars():
    """Snakemake's pathvars: folders below ``results``, ``results/logs``, ``results/benchmarks``.

    ``<dataset>``, ``<replicate>``, one for each stage, ``<run>`` and ``<transferred>``, a run's
    model applied to another dataset. The wildcard ``chain`` holds the stages (once per
    replicate) before the folder in question.
    """
    prepared = "/".join(f"{stage}-{{{stage}}}" for stage in OF_DATASET)
    folders = {"dataset": "{dataset}", "replicate": f"{{dataset}}/{prepared}/seed-{{seed}}"}
    above = "{dataset}"
    for stage in OF_DATASET:
        above = folders[stage] = f"{above}/{stage}-{{{stage}}}"
    for stage in OF_REPLICATE:
        folders[stage] = f"<replicate>/{{chain}}{stage}-{{{stage}}}"
    folders["run"] = "<replicate>/{chain}method-{method}"
    lineage = f"{prepared}/seed-{{seed}}/{{chain}}method-{{method}}"
    folders["transferred"] = f"{{dataset}}/from-{{source}}/{lineage}"
    return folders


def wildcard_constraints():
    """Pattern of each wildcard of :func:`pathvars`."""
    names = dict.fromkeys(["dataset", "source", "method", *STAGES], NAME)
    chain = "".join(f"({stage}-{NAME}/)?" for stage in OF_REPLICATE)
    return {**names, "seed": "[0-9]+", "chain": chain}


def chosen_in(wildcards):
    """Stage to setting of everything above a file, from its wildcards."""
    named = {stage: wildcards[stage] for stage in OF_DATASET if stage in wildcards}
    return named | dict(
        part.split("-", 1) for part in wildcards.get("chain", "").split("/") if part
    )


def nearest(file, wildcards):
    """Path of the nearest file of that name above, made by one of the stages gone through.

    Parameters
    ----------
    file : str
    wildcards : mapping
        Those of the file that needs it.

    Returns
    -------
    str
        Of the dataset itself where no stage above makes one.
    """
    folder = f"results/{wildcards['dataset']}"
    path = f"{folder}/{file}"
    for stage, name in chosen_in(wildcards).items():
        folder += f"/{stage}-{name}"
        if file in STAGES[stage].makes:
            path = f"{folder}/{file}"
        if stage == OF_DATASET[-1]:
            folder += f"/seed-{wildcards.get('seed')}"
    return path
