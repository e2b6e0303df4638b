"""Analyses of clusters: their cards, the settings a configuration gives them, what each reads.

A card is ``analyses/<name>.yaml`` beside the recipe ``analyses/<name>.py``. The results of an
analysis are a folder of its name, ``<name>-<setting>`` for a setting other than ``default``.
Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from spclust.errors import UserError
from spclust.plan import cards

FOLDER = Path(__file__).parents[1] / "analyses"
SCHEMA = yaml.safe_load(Path(__file__).with_name("analysis.schema.yaml").read_text())
DEFAULT = "default"
# what a card may need beside other analyses, by level
OF_DATASET = ("imported", "rows", "labels", "knowledge", "samples")
OF_SPACE = (*OF_DATASET, "cells", "space")
OF_RUN = (*OF_SPACE, "clusters", "embedding", "extras", "votes", "additions")
NEEDS = {"dataset": OF_DATASET, "space": OF_SPACE, "run": OF_RUN, "cohort": OF_RUN}
# levels whose analyses are there when one of a level starts
THERE = {
    "dataset": ("dataset",),
    "space": ("dataset", "space"),
    "run": ("dataset", "space", "run"),
    "cohort": ("dataset", "space", "run", "cohort"),
}
NEEDED_BY_SUMMARY = ("metrics",)
# folders and summaries that others write beside those of analyses, and what needs are called
TAKEN = ("extras", "figures", "transfers", "metrics_mean", *OF_RUN)


@dataclass(frozen=True)
class Analysis:
    """One analysis; ``analysis.schema.yaml`` says what each field means."""

    name: str
    module: str
    title: str
    over: str
    environment: str
    needs: tuple
    writes: dict
    cite: str = ""
    settings: dict = field(default_factory=dict)
    controls: bool = False
    on_demand: bool = False
    adds: str = ""
    summary: str = ""
    report: dict = field(default_factory=dict)
    memory_mb: dict = field(default_factory=dict)
    runtime: int = 20

    @property
    def defaults(self):
        """Default of each setting."""
        return {key: schema["default"] for key, schema in self.settings.items()}

    @property
    def columns(self):
        """Declared columns of each file; none of a file that is no table."""
        return {name: list(entry.get("columns", ())) for name, entry in self.writes.items()}


def load(folder=FOLDER):
    """All analyses by name.

    Raises
    ------
    UserError
        For a card that is not as ``analysis.schema.yaml`` says, or needs what its level lacks.
    """
    analyses = {name: Analysis(**entry) for name, entry in cards.read(folder, SCHEMA).items()}
    for card in analyses.values():
        where = f"{folder}/{card.name}.yaml"
        if card.name in TAKEN or not card.name.isidentifier():
            raise UserError(f"{where}: {card.name!r} cannot be its name; rename card and recipe")
        others = [other.name for other in analyses.values() if other.over in THERE[card.over]]
        for need in card.needs:
            if need not in (*NEEDS[card.over], *others):
                raise UserError(
                    f"{where}: needs: {need!r} is not there for an analysis over {card.over!r}; "
                    f"there are {', '.join([*NEEDS[card.over], *others])}"
                )
        _refuse_tables(card, where)
        _refuse_circle(card, analyses, where)
    return analyses


def _refuse_tables(card, where):
    """Hold ``adds``, ``summary`` and ``report`` against what the card says it writes."""
    for key, names in (("adds", [card.adds]), ("summary", [card.summary]), ("report", card.report)):
        for name in filter(None, names):
            if name not in card.writes:
                raise UserError(f"{where}: {key}: name one of the files that it writes")
            if key != "report" and not name.endswith((".csv", ".tsv")):
                raise UserError(f"{where}: {key}: {name} is no table; name a .csv or .tsv")
            if key != "report" and card.writes[name].get("optional"):
                raise UserError(f"{where}: {key}: every run must have {name}; take out  optional")
    if card.adds and "cell" not in card.columns[card.adds]:
        raise UserError(f"{where}: adds: {card.adds} needs the column  cell:  below its columns")
    if card.summary and card.over == "cohort":
        raise UserError(f"{where}: summary: one over 'cohort' is its own summary; take it out")
    added = {"dataset", "run", "method", "seed"} if card.over != "dataset" else {"dataset"}
    taken = sorted(added.intersection(card.columns.get(card.summary, ())))
    if taken:
        raise UserError(
            f"{where}: summary: the column {taken[0]} is put there by the summary; "
            f"call that of {card.summary} otherwise"
        )


def _refuse_circle(card, analyses, where, above=()):
    if card.name in above:
        raise UserError(f"{where}: it needs itself, through {' and '.join(above)}; take one out")
    for need in _read_directly(card, analyses):
        _refuse_circle(analyses[need], analyses, where, (*above, card.name))


def _read_directly(card, analyses):
    """Names of the analyses that one reads, those that add to the export among them."""
    added = [c.name for c in analyses.values() if c.adds and "additions" in card.needs]
    return [*(need for need in card.needs if need in analyses), *added]


def schema(analyses):
    """The configuration's section ``analyses``."""
    return {
        name: {
            "anyOf": [
                {"type": "boolean"},
                {
                    "type": "object",
                    "propertyNames": {"$ref": "#/$defs/name"},
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": card.settings,
                    },
                },
            ],
            "description": card.title,
        }
        for name, card in analyses.items()
    }


def resolve(analyses, given):
    """Settings of the analyses that are to be made, and of those that they need.

    Parameters
    ----------
    analyses : dict of str to Analysis
    given : dict
        The configuration's section: false for none, true or settings by name.

    Returns
    -------
    dict of str to dict of str to dict
        Analysis to name of a setting to its values.

    Raises
    ------
    UserError
        Where one is switched off that another needs.
    """
    asked = [n for n, card in analyses.items() if given.get(n, not card.on_demand) is not False]
    chosen = dict.fromkeys(asked)
    for name in asked:
        for need in needed(analyses, name):
            if given.get(need) is False:
                raise UserError(
                    f"analyses.{need}: {name} needs it; write  {name}: false  too, or take the "
                    "line out"
                )
            chosen[need] = None
    for name in NEEDED_BY_SUMMARY:
        if name not in chosen:
            raise UserError(f"analyses.{name}: the summary is made of it; take the line out")
    settings = {}
    for name in chosen:
        own = given.get(name)
        own = own if isinstance(own, dict) else {}
        base = analyses[name].defaults | own.get(DEFAULT, {})
        settings[name] = {DEFAULT: base} | {
            setting: base | values for setting, values in own.items() if setting != DEFAULT
        }
    return settings


def needed(analyses, name):
    """Names of the analyses that one reads, directly or through others.

    Without those that add to the export: it takes what is there.
    """
    direct = [need for need in analyses[name].needs if need in analyses]
    return list(dict.fromkeys([*direct, *(n for need in direct for n in needed(analyses, need))]))


def folder_name(name, setting=DEFAULT):
    """Name of the folder of an analysis with a setting."""
    return name if setting == DEFAULT else f"{name}-{setting}"


def parted(folder):
    """Analysis and setting from :func:`folder_name`."""
    name, _, setting = folder.partition("-")
    return name, setting or DEFAULT
