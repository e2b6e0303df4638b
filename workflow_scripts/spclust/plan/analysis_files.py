"""Where the results of analyses lie, what each reads, and which are to be made.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from spclust.plan import stages
from spclust.plan.analyses import folder_name
from spclust.plan.runs import transfer_folder


def home(card, plan, wildcards):
    """Folder, below ``results``, in which the folder of an analysis lies.

    Parameters
    ----------
    card : Analysis
    plan : spclust.plan.settings.Plan
    wildcards : mapping
        Those of a run: ``dataset``, ``seed``, stages, ``method``; of less, for wider levels.
    """
    if card.over == "cohort":
        return "summary"
    dataset, chosen = wildcards["dataset"], stages.chosen_in(wildcards)
    if card.over == "dataset":
        return dataset
    method = wildcards.get("method")
    if card.over == "space" and not (method and plan.card(method).trains):
        return stages.replicate_folder(dataset, wildcards["seed"], chosen)
    return stages.run_folder(dataset, wildcards["seed"], chosen, method)


def inputs(card, plan, wildcards, knowledge):
    """Files that an analysis reads, by the names its recipe has for them.

    Parameters
    ----------
    card : Analysis
        Over a run, a space or a dataset.
    plan : spclust.plan.settings.Plan
    wildcards : mapping
        See :func:`home`.
    knowledge : dict of str to list of str
        Paths of the tables that go by ``knowledge``.

    Returns
    -------
    dict of str to str or list of str
    """
    dataset, chosen = wildcards["dataset"], stages.chosen_in(wildcards)
    prepared, run = stages.nearest("cells.h5mu", prepared_only(wildcards)), None
    if "method" in wildcards:
        place = (dataset, wildcards["seed"], chosen, wildcards["method"])
        run = f"results/{stages.run_folder(*place)}"
    learnt = run and plan.card(wildcards["method"]).trains
    files = {
        "imported": f"results/{dataset}/cells.h5mu",
        "rows": f"results/{dataset}/rows.csv",
        "labels": f"results/{dataset}/labels.csv",
        "cells": prepared,
        "space": f"{run}/embedding.npz" if learnt else prepared,
        "clusters": f"{run}/clusters.csv",
        "embedding": f"{run}/embedding.npz",
        "extras": f"{run}/extras",
    }
    read = {}
    for need in card.needs:
        if need == "knowledge":
            read |= knowledge
        elif need == "samples":
            there = "samples" in plan.slices[dataset]
            read |= {need: f"results/{dataset}/samples.csv"} if there else {}
        elif need == "votes":
            read |= {need: stages.nearest("votes.npz", wildcards)} if "votes" in chosen else {}
        elif need == "additions":
            read[need] = [
                f"results/{home(other, plan, wildcards)}/{folder_name(other.name, setting)}"
                for other in plan.analysis_cards.values()
                for setting in plan.analyses.get(other.name, ())
                if other.adds
            ]
        elif need in files:
            read[need] = files[need]
        else:
            read[need] = f"results/{home(plan.analysis_cards[need], plan, wildcards)}/{need}"
    return read


def about(card, plan, wildcards):
    """What an analysis is of, sorted by name: what its recipe knows beside its files.

    Returns
    -------
    dict
        ``dataset``, ``seed`` and ``method`` (the recipe's), as far as there are; of one that
        takes what others add to the export also ``adds``, their tables by analysis, and
        ``multimodal``.
    """
    facts = {key: wildcards[key] for key in ("dataset", "seed") if key in wildcards}
    if "method" in wildcards:
        facts["method"] = plan.card(wildcards["method"]).name
    if "additions" in card.needs:
        facts["adds"] = {c.name: c.adds for c in plan.analysis_cards.values() if c.adds}
        facts["multimodal"] = plan.is_multimodal(wildcards["dataset"])
    return dict(sorted(facts.items()))


def prepared_only(wildcards):
    """Wildcards of the features as prepared, before synthetic cells join them."""
    return {key: value for key, value in wildcards.items() if key != "chain"}


def targets(plan, over):
    """Everything that analyses of a level are to be made of.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan
    over : {'run', 'space', 'dataset', 'cohort'}

    Returns
    -------
    list of dict
        ``analysis`` (name of the folder), ``about`` (``dataset``, ``run``, ``method`` and
        ``seed``, as far as there are) and ``folder``, below the working directory. Runs that
        share a folder are listed each.
    """
    made = []
    for name, settings in plan.analyses.items():
        card = plan.analysis_cards[name]
        if card.over == over:
            places = _places(plan, card)
            made += [
                {
                    "analysis": folder_name(name, setting),
                    "about": about,
                    "folder": f"results/{home(card, plan, place)}/{folder_name(name, setting)}",
                }
                for place, about in places
                for setting in settings
            ]
    return made


def drawn(plan, wildcards, shown, levels=("run", "space")):
    """Folders of the analyses over some levels that figures show; ``shown`` names them."""
    folders = []
    for name, settings in plan.analyses.items():
        card = plan.analysis_cards[name]
        if name in shown and card.over in levels:
            at = home(card, plan, wildcards)
            folders += [f"results/{at}/{folder_name(name, setting)}" for setting in settings]
    return folders


def of_cells(plan, dataset):
    """Tables with a row a cell for ``cells_annotated.csv``: of a dataset's runs, and by models.

    Returns
    -------
    list of dict
        ``folder`` of an analysis, ``file`` in it, and the ``prefix`` of its columns; none where
        cells are not annotated.
    """
    if "annotation" not in plan.analyses:
        return []
    tables, several = {}, len(plan.config["seeds"]) > 1
    for place, about in _runs(plan, controls=False):
        if about["dataset"] != dataset:
            continue
        run = about["run"] + f"_seed{about['seed']}" * several
        for card in plan.analysis_cards.values():
            for setting in plan.analyses.get(card.name, ()):
                name = folder_name(card.name, setting)
                prefix = f"{name}_" if card.over == "dataset" else f"{run}_{name}_"
                file = card.adds
                if name == "annotation":
                    prefix, file = f"{run}_", "annotation.csv"
                if file:
                    folder = f"results/{home(card, plan, place)}/{name}"
                    tables[prefix] = {"folder": folder, "file": file, "prefix": prefix}
    for target, source, run, seed in plan.transfers:
        if target == dataset:
            prefix = f"{run.name}_from_{source}_" + f"seed{seed}_" * several
            folder = f"results/{transfer_folder(target, source, run, seed)}/annotation"
            tables[prefix] = {"folder": folder, "file": "annotation.csv", "prefix": prefix}
    return list(tables.values())


def summarised(analysis, plan):
    """What the summary of an analysis is made of, see :func:`targets`."""
    levels = ("run", "space", "dataset")
    return [
        target
        for level in levels
        for target in targets(plan, level)
        if target["analysis"] == analysis
    ]


def summaries(plan):
    """Tables of the summary that analyses are to have."""
    named = [
        folder_name(name, setting)
        for name, settings in plan.analyses.items()
        if plan.analysis_cards[name].summary
        for setting in settings
    ]
    return [f"results/summary/{name}.tsv" for name in named]


def of_runs(card, plan, knowledge):
    """What an analysis over the cohort reads of every run.

    Returns
    -------
    files : list of str
        Of all runs, one after the other.
    runs : list of dict
        ``about``, what tables call the run, and ``needs``: of each need of :func:`inputs` how
        many of the files are its own, None for a single one.
    """
    files, runs = [], []
    for place, about in _runs(plan, card.controls):
        own_files = inputs(card, plan, place, knowledge)
        needs = {
            need: len(own) if isinstance(own, list) else None for need, own in own_files.items()
        }
        runs.append({"about": about, "needs": needs})
        for own in own_files.values():
            files += own if isinstance(own, list) else [own]
    return files, runs


def _places(plan, card):
    """Wildcards of everything that an analysis is made of, and what tables call it."""
    if card.over == "cohort":
        return [({}, {})]
    if card.over == "dataset":
        return [({"dataset": dataset}, {"dataset": dataset}) for dataset in plan.datasets]
    return _runs(plan, card.controls)


def _runs(plan, controls):
    return [
        (
            stages.wildcards_of(dataset, seed, run.chosen, run.method),
            {"dataset": dataset, "run": run.name, "method": run.method, "seed": seed},
        )
        for dataset, run, seed in plan.results
        if controls or not plan.card(run.method).control
    ]
