"""Runs, the rows of the result tables: what each goes through, which see labels, which transfer.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from dataclasses import dataclass

from spclust.errors import UserError
from spclust.plan import stages
from spclust.plan.groups import GROUP
from spclust.plan.schema_messages import unknown, yaml_value
from spclust.plan.stages import STAGES


@dataclass(frozen=True)
class Run:
    """One row of the result tables: a method and a setting of each stage it goes through."""

    name: str
    method: str
    chosen: dict
    group: str = GROUP

    @property
    def made_with(self):
        """Names of the run's settings by stage, and of its method."""
        return {**self.chosen, "method": self.method}

    def folder(self, dataset, seed):
        """Folder of the run's results; each stage's folder lies inside its upstream's."""
        return f"results/{stages.run_folder(dataset, seed, self.chosen, self.method)}"


def of_config(plan, known_datasets):
    """The configuration's ``runs``, and the datasets that each is kept to, None for all.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan
        With its settings.
    known_datasets : set of str

    Returns
    -------
    list of (Run, list of str or None)

    Raises
    ------
    UserError
        For a run of what is not there, and one that makes no use of what it names.
    """
    runs = []
    for i, entry in enumerate(plan.config["runs"]):
        where = f"runs[{i}] ({entry['name']})"
        only = entry.get("datasets")
        # a method may have other settings on other slices
        for run, taken in runs:
            if run.name == entry["name"] and not (only and taken and not set(only) & set(taken)):
                raise UserError(f"{where}: the name is taken; rename one of the two runs")
        method = entry.get("method", entry["name"])
        if method not in plan.settings["method"]:
            if "method" not in entry:
                raise UserError(
                    f"{where}: no method is called {method!r}; say which, e.g.  method: spclust"
                )
            unknown(f"{where}.method", method, plan.settings["method"])
        for name in only or ():
            if name not in known_datasets:
                unknown(f"{where}.datasets", name, known_datasets)
        chosen = _chosen(plan, where, entry, method)
        runs.append((Run(entry["name"], method, chosen, entry.get("group", GROUP)), only))
    return runs


def _chosen(plan, where, entry, method):
    """Stage to setting of every stage that a run goes through."""
    card = plan.card(method)
    # a stage that hands on cells can be put before any method that may see them changed
    plugged = [s for s in stages.OF_REPLICATE if s in entry and "cells.h5mu" in STAGES[s].makes]
    chosen = {}

    def values(stage):
        # what the card asks for, under the name of the setting or of its recipe
        usual = card.name if stage in card.stages else "default"
        name = chosen[stage] = entry.get(stage, usual)
        if name not in plan.settings[stage]:
            unknown(f"{where}.{stage}", name, plan.settings[stage])
        return plan.settings[stage][name]

    for stage in stages.OF_DATASET:
        values(stage)
    # controls, and what votes decide on, see no features
    blind = card.control or card.needs == ("votes",)
    needed = stages.with_needed([*card.needs, *([] if blind else plugged)], values)
    chosen = {stage: chosen[stage] for stage in [*stages.OF_DATASET, *needed]}
    unused = [s for s in stages.OF_REPLICATE if s in entry and s not in chosen]
    if unused:
        kept = {key: value for key, value in entry.items() if key not in unused}
        raise UserError(
            f"{where}: {method} makes no use of {' and '.join(unused)}, so this run would be the "
            f"one without; write  {yaml_value(kept)}"
        )
    return chosen


def named(plan, name, dataset):
    """The run of that name on a dataset, or None."""
    runs = (run for d, run, _ in plan.results if (d, run.name) == (dataset, name))
    return next(runs, None)


def controls(plan):
    """Names of runs that bound the tables and are no rivals: those that may see the labels."""
    return {run.name for dataset, run, _ in plan.results if _sees_labels(plan, dataset, run)}


def _sees_labels(plan, dataset, run):
    """By its card, or by its first labels, which may be another run's clusters."""
    first = plan.settings["pseudolabels"].get(run.chosen.get("pseudolabels"), {})
    if first.get("method") == "run":
        return _sees_labels(plan, dataset, named(plan, first["run"], dataset))
    return plan.card(run.method).control or first.get("method") == "truth"


def transfers(plan, runs):
    """Every (dataset, source, run, seed) that ``transfer`` asks of the configuration's runs."""
    asked, given = [], plan.config.get("transfer") or []
    entries = (
        {"transfer": given}
        if isinstance(given, dict)
        else {f"transfer[{i}]": entry for i, entry in enumerate(given)}
    )
    for where, entry in entries.items():
        models = [(run, only) for run, only in runs if run.name == entry["model"]]
        if not models:
            unknown(f"{where}.model", entry["model"], {run.name for run, _ in runs})
        sources = [d for d in plan.datasets if any(only is None or d in only for _, only in models)]
        source = entry.get("from", sources[0] if sources else None)
        if not sources:
            raise UserError(
                f"{where}.model: the run {entry['model']!r} is kept to slices that are not listed; "
                f"list one as  datasets:, it is kept to {', '.join(models[0][1])}"
            )
        if source not in sources:
            unknown(f"{where}.from", source, sources)
        run = next(run for run, only in models if only is None or source in only)
        if not plan.card(run.method).predicts:
            able = ", ".join(card.name for card in plan.cards.values() if card.predicts)
            raise UserError(
                f"{where}.model: {run.method} leaves no model that labels other slices; take a "
                f"run of one of: {able}"
            )
        for dataset in entry["to"]:
            if dataset not in plan.slices:
                unknown(f"{where}.to", dataset, plan.slices)
            if dataset == source or dataset in plan.slices[source].get("slices", ()):
                raise UserError(
                    f"{where}.to: the model has learnt from {dataset!r}; name other slices"
                )
            asked += [(dataset, source, run, seed) for seed in plan.config["seeds"]]
    return asked


def transfer_folder(dataset, source, run, seed):
    """Folder, below ``results``, of a dataset's labels by the model of a run on another."""
    learnt = stages.run_folder(source, seed, run.chosen, run.method)
    return f"{dataset}/from-{source}/{learnt.split('/', 1)[1]}"
