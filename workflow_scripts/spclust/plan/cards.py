"""Method cards: what each method is, whom to cite, what it needs, and its settings.

A card is ``methods/<name>.yaml`` beside the recipe ``methods/<name>.py``; what only this recipe
uses may stand beside both in a folder, ``methods/<folder>/<name>.yaml``. Imported by Snakemake
itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from spclust.errors import UserError
from spclust.plan.schema_messages import check

FOLDER = Path(__file__).parents[1] / "methods"
SCHEMA = yaml.safe_load(Path(__file__).with_name("card.schema.yaml").read_text())


@dataclass(frozen=True)
class Card:
    """One method; ``card.schema.yaml`` tells what each field means, ``module`` holds the recipe."""

    name: str
    module: str
    title: str
    environment: str
    settings: dict
    settings_from: str = ""
    cite: str = ""
    needs: tuple = ()
    control: bool = False
    reference: bool = False
    trains: bool = False
    predicts: bool = False
    gpu: bool = False
    memory_mb: dict = field(default_factory=dict)
    runtime: int = 120
    stages: dict = field(default_factory=dict)

    @property
    def defaults(self):
        """Default of each setting."""
        return {key: schema["default"] for key, schema in self.settings.items()}


def load(folder=FOLDER):
    """All cards by name.

    Raises
    ------
    UserError
        For a card that is not as ``card.schema.yaml`` says.
    """
    entries = read(folder, SCHEMA)
    for name, entry in entries.items():
        if "like" in entry:
            entry["settings"] = _likened(entry, entries, Path(folder) / f"{name}.yaml")
    return {name: Card(**entry) for name, entry in entries.items()}


def read(folder, schema):
    """The cards in a folder of the library and its folders, held against their schema.

    Parameters
    ----------
    folder : path
        Of recipes, each beside its card.
    schema : dict

    Returns
    -------
    dict of str to dict
        Name of the recipe to the fields of its card, ``name`` and ``module`` among them.

    Raises
    ------
    UserError
    """
    entries = {}
    for path in sorted(Path(folder).rglob("*.yaml"), key=lambda path: path.stem):
        try:
            entry = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not valid YAML ({error}); correct the card") from error
        check(entry, schema, str(path))
        if "needs" in entry:
            entry["needs"] = tuple(entry["needs"])
        if not path.with_suffix(".py").exists():
            raise UserError(f"{path}: its recipe {path.stem}.py is not there; put it beside it")
        inside = path.relative_to(folder).with_suffix("").parts
        module = ".".join(["spclust", Path(folder).name, *inside])
        entries[path.stem] = entry | {"name": path.stem, "module": module}
    return entries


def _likened(entry, entries, path):
    """Settings of another card with defaults of this one."""
    other, changed = entry.pop("like"), entry.pop("defaults", {})
    if "settings" not in entries.get(other, {}):
        raise UserError(
            f"{path}: like: {other!r} is not a card with settings; name one that has them"
        )
    settings = entries[other]["settings"]
    odd = sorted(set(changed) - set(settings))
    if odd:
        raise UserError(f"{path}: defaults.{odd[0]} is not a setting of {other}; take it out")
    return {
        key: schema | ({"default": changed[key]} if key in changed else {})
        for key, schema in settings.items()
    }
