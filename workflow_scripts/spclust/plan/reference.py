"""Markdown of everything that can be configured, from schemas, stages and cards.

Each public function makes what stands between two marks of a page; see
:mod:`spclust.plan.documentation`.
"""

from functools import partial

import yaml

from spclust.plan import analyses, cards
from spclust.plan.datasets import CONFIG_FOLDER, load_schema
from spclust.plan.schema_messages import yaml_value
from spclust.plan.settings import config_schema
from spclust.plan.stages import STAGES

# sections of the configuration that have a table of their own
OWN_TABLE = {"study", "method", "transfer", "runs", "knowledge", "comparison", "analyses"}
# where a dataset's keys come in that are not the import's
DATASET_RULES = {
    "files": "download_dataset",
    "simulate": "simulate_dataset",
    "slices": "join_slices",
}


def type_of(schema):
    """A key's type in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(s) for s in schema["anyOf"]))
    if "enum" in schema:
        return " / ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return "name" if schema["$ref"].endswith("name") else "number or `from_labels` / `auto`"
    if "properties" not in schema and schema.get("type") == "object":
        return "mapping"
    types = schema.get("type", "text")
    types = [types] if isinstance(types, str) else types
    words = {"string": "text", "null": "`null`", "array": "list", "object": "mapping"}
    text = " or ".join(words.get(t, t) for t in types)
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return text + "".join(f" {sign} {schema[key]}" for key, sign in limits.items() if key in schema)


def table(properties, reruns, defaults=None):
    """One table of keys; ``reruns`` is the first rule that runs again where a key has no own."""
    lines = ["| key | type | default | meaning | reruns from |", "|---|---|---|---|---|"]
    for key, schema in properties.items():
        default = (defaults or {}).get(key, schema.get("default", ""))
        shown = "" if default == "" else f"`{yaml_value(default)}`"
        first, meaning = schema.get("reruns", reruns), schema.get("description", "")
        lines.append(f"| `{key}` | {type_of(schema)} | {shown} | {meaning} | {first} |")
    return "\n".join(lines)


def sentence(text):
    """A title as a sentence."""
    return f"{text[0].upper()}{text[1:]}"


def shipped():
    """The configuration that others are laid over."""
    return yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())


def section(name):
    """A section of the configuration with a table of its own, and what it is for."""
    schema = load_schema("config")["properties"][name]
    about = [schema["description"]] if "description" in schema else []
    of_keys = table(schema["properties"], schema["reruns"], shipped().get(name))
    return "\n\n".join([*about, of_keys])


def top_level():
    """Keys beside the sections."""
    schema = load_schema("config")
    keys = {
        key: (schema["$defs"]["n_clusters"] if key == "n_clusters" else {}) | value
        for key, value in schema["properties"].items()
        if key not in OWN_TABLE
    }
    return table(keys, "", shipped())


def runs():
    """Keys of one of `runs`."""
    return table(config_schema()["$defs"]["run"]["properties"], "what is new")


def definition(name, rule):
    """Keys of a mapping that stands in several places."""
    return table(load_schema("config")["$defs"][name]["properties"], rule)


def dataset():
    """Keys of a dataset."""
    schema = load_schema("dataset")
    keys = dict(schema["properties"])
    keys["n_clusters"] = {"reruns": "choose_n_clusters"} | keys["n_clusters"]
    for key, rule in DATASET_RULES.items():
        keys[key] = keys[key] | {"reruns": rule}
    return table(keys, schema["reruns"])


def dataset_files():
    """Keys of one of a dataset's `files`."""
    files = load_schema("dataset")["properties"]["files"]
    return table(files["items"]["properties"], "download_dataset")


def simulated():
    """Keys of a dataset's `simulate`."""
    return table(load_schema("dataset")["properties"]["simulate"]["properties"], "simulate_dataset")


def stages():
    """Settings of each stage, and the named ones that there are beside the default."""
    loaded, parts = cards.load(), []
    for stage in STAGES.values():
        parts += [f"## `{stage.name}.<name>`", table(stage.settings, stage.rule)]
        wishes = {n: c.stages[stage.name] for n, c in loaded.items() if stage.name in c.stages}
        lines = [f"- `{name}: {yaml_value(own)}`" for name, own in (stage.named | wishes).items()]
        if lines:
            parts += ["Beside `default` there are", "\n".join(lines)]
    return "\n\n".join(parts)


def settings_of(card, section_name, reruns, about):
    """Heading, description and settings of a method or an analysis."""
    keys = table(card.settings, reruns) if card.settings else "No keys."
    return "\n\n".join([f"### `{section_name}`", about, keys])


def methods_table():
    """Table of the methods from their cards, controls last."""
    ordered = sorted(cards.load().values(), key=lambda card: (card.control, card.name != "spclust"))
    lines = [f"| `{card.name}` | {card.title} | {card.cite} |" for card in ordered]
    return "\n".join(["| name | what | cite |", "|---|---|---|", *lines])


def methods():
    """Settings of each method and where its defaults are from."""
    parts = []
    for card in cards.load().values():
        cite = f" ({card.cite})" if card.cite else ""
        origin = f" Defaults from: {card.settings_from}" if card.settings_from else ""
        about = f"{sentence(card.title)}{cite}.{origin}"
        name = f"method.<name>` with `recipe: {card.name}"
        parts.append(settings_of(card, name, "cluster_cells", about))
    return "\n\n".join(parts)


def analyses_settings():
    """Settings of each analysis."""
    return "\n\n".join(
        settings_of(card, f"analyses.{card.name}.<name>", card.name, f"{sentence(card.title)}.")
        for card in analyses.load().values()
    )


BLOCKS = {
    "top level": top_level,
    "runs": runs,
    "transfer": partial(definition, "transfer", "transfer_labels"),
    "dataset": dataset,
    "dataset files": dataset_files,
    "simulate": simulated,
    "stages": stages,
    "methods table": methods_table,
    "methods": methods,
    "analyses": analyses_settings,
    "knowledge": partial(section, "knowledge"),
    "comparison": partial(section, "comparison"),
    "study": partial(section, "study"),
    "study part": partial(definition, "part", "tabulate_study"),
}
