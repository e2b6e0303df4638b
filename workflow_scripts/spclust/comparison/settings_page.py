"""Which settings each run of a comparison had, and where they are from, as a page."""

import json

import pandas as pd

from spclust.comparison.text import markdown

LEGEND = (
    "For each method: where its settings are from, its own ones, and its runs, with the settings "
    "of the stages before it, by their names in the last table, and those of its own that they "
    "change. Where preprocess is `default`, cells are prepared as that table says, whatever the "
    "method's authors do. Runs whose values are kept were made with these settings; one that "
    "did not exist then is given at its default."
)


def page(facts):
    """Markdown with a section for each method, and the settings of stages at the end.

    Parameters
    ----------
    facts : dict
        Of :func:`spclust.comparison.plan.facts`.
    """
    parts = ["# Settings", LEGEND]
    for method, runs in _runs(facts).items():
        said = facts["methods"][method]
        parts += [f"## {method}", "; ".join(filter(None, (said["title"], said["cite"]))) + "."]
        if said["settings_from"]:
            parts.append(f"From: {said['settings_from']}")
        if said["defaults"]:
            parts.append(_code(said["defaults"]))
        parts.append(markdown(pd.DataFrame(runs)))
    parts += ["## Stages", markdown(_stages(facts))]
    return "\n\n".join(parts) + "\n"


def _runs(facts):
    """Method to its runs: a row for each, or for each of the ways it was made on some slices."""
    ways, everywhere = {}, {dataset for _, dataset, _ in facts["made_with"]}
    for run, dataset, chosen in facts["made_with"]:
        ways.setdefault(run, {}).setdefault(tuple(chosen.items()), []).append(dataset)
    rows_of = {}
    for run, of_run in ways.items():
        for chosen, datasets in of_run.items():
            names = dict(chosen)
            values = facts["settings"]["method"][names.pop("method")]
            method = values["recipe"]
            own = _changed(values, {"recipe": method} | facts["methods"][method]["defaults"])
            where = "" if set(datasets) == everywhere else f" ({', '.join(datasets)})"
            stages = ", ".join(f"{stage} {name}" for stage, name in names.items())
            row = {"run": run + where, "stages": stages, "changed": _code(own) if own else ""}
            rows_of.setdefault(method, []).append(row)
    return rows_of


def _stages(facts):
    """A row for each setting of a stage: all values of the default, of others what differs."""
    rows = []
    for stage, default in facts["defaults"].items():
        rows.append({"stage": stage, "setting": "default", "values": _code(default)})
        named = dict.fromkeys(chosen.get(stage) for _, _, chosen in facts["made_with"])
        for name in [name for name in named if name not in (None, "default")]:
            own = _changed(facts["settings"][stage][name], default)
            rows.append({"stage": stage, "setting": name, "values": _code(own)})
    return pd.DataFrame(rows)


def _changed(values, default):
    """What differs from a default; of settings by modality what differs in each."""
    changed = {key: value for key, value in values.items() if value != default.get(key)}
    if "modalities" in changed and isinstance(default["modalities"], dict):
        pairs = {
            name: (own, default["modalities"].get(name, {}))
            for name, own in changed["modalities"].items()
        }
        changed["modalities"] = {
            name: _changed(*pair) for name, pair in pairs.items() if pair[0] != pair[1]
        }
    return changed


def _code(values):
    """Values as code that may stand in a table."""
    return f"`{json.dumps(values, sort_keys=True, ensure_ascii=False)}`".replace("|", "\\|")
