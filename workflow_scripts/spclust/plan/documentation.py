"""Write config/README.md from schemas, stages, cards and the shipped configuration.

Run ``make docs`` (or ``python -m spclust.plan.documentation`` in ``workflow_scripts``) after
changing either; a test compares the file with what this module would write.
"""

import yaml

from spclust.plan import analyses, cards, first_defaults
from spclust.plan.datasets import CONFIG_FOLDER, load_schema
from spclust.plan.schema_messages import yaml_value
from spclust.plan.settings import Plan, config_schema
from spclust.plan.stages import STAGES

# where a dataset's keys come in that are not the import's
DATASET_RULES = {
    "files": "download_dataset",
    "simulate": "simulate_dataset",
    "slices": "join_slices",
}

MARKS = ("<!-- written by make docs -->", "<!-- end -->")

INTRODUCTION = """# Configuration

Written by `make docs` from `config/`, `workflow_scripts/spclust/plan/stages.yaml` and the methods'
cards (`workflow_scripts/spclust/methods/*.yaml`); do not edit.

A file given with `--configfile` is laid over `config/config.yaml`: mappings are merged key by
key, lists replace the whole list. So a slice of your own needs no more than

```yaml
datasets:
  - name: my_slice
    path: cells.csv
    label: cell_type    # only where the guess is wrong, or to be sure
```

Stages and methods have **named settings**. Every setting starts from `default` (of a method:
from its recipe's own) and says only what differs. Changing a value of a setting overwrites what
was made with it and reruns from the stage in the last column; giving it a **new name** keeps both
side by side:

```yaml
graphs:
  k20: {n_neighbors: 20}
runs:
  - {name: spclust}
  - {name: spclust_k20, method: spclust, graphs: k20}
```

Some methods want settings of their own for a stage (Leiden another graph than spClust): a setting
of that stage bears the method's name, and its runs take it unless they name another.

YAML reads `1e-3` as text; write `0.001` or `1.0e-3`.

Paths are relative to where Snakemake runs, which may be elsewhere (`--directory my_folder`, or
`--snakefile spclust/Snakefile`); results go there, while defaults and tables of knowledge stay the
project's. Another workflow takes this one over from a copy on the same machine, with a prefix or
without:

```python
module spclust:
    snakefile: "spclust/Snakefile"
    config: config["spclust"]
    prefix: "clusters"    # results in clusters/results


use rule * from spclust as spclust_*
```
"""


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
    text = " or ".join({"string": "text", "null": "`null`"}.get(t, t) for t in types)
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return text + "".join(f" {sign} {schema[key]}" for key, sign in limits.items() if key in schema)


def table(properties, defaults, reruns):
    """One Markdown table; ``reruns`` is the first rule that runs again, or None."""
    lines = ["| key | type | default | meaning | reruns from |", "|---|---|---|---|---|"]
    for key, schema in properties.items():
        default = defaults.get(key, schema.get("default", ""))
        shown = "" if default == "" else f"`{yaml_value(default)}`"
        first = schema.get("reruns", reruns)
        meaning = schema.get("description", "")
        lines.append(f"| `{key}` | {type_of(schema)} | {shown} | {meaning} | {first} |")
    return "\n".join(lines) + "\n"


def render():
    """The text of config/README.md."""
    schema, dataset = load_schema("config"), load_schema("dataset")
    shipped = yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())
    definitions, parts = schema["$defs"], [INTRODUCTION]
    with_tables = {"study", "method", "transfer", "runs", "knowledge", "comparison", "analyses"}
    top = {
        key: (definitions["n_clusters"] if key == "n_clusters" else {}) | value
        for key, value in schema["properties"].items()
        if key not in with_tables
    }
    parts += ["## What to run\n", table(top, shipped, "")]
    run = config_schema()["$defs"]["run"]["properties"]
    parts += ["### `runs`: a list of\n", table(run, {}, "what is new")]
    transfer = definitions["transfer"]["properties"]
    parts += ["### `transfer`: one of, or a list of\n", table(transfer, {}, "transfer_labels")]
    study, part = schema["properties"]["study"], definitions["part"]["properties"]
    parts += [f"### `study`\n\n{study['description']}\n"]
    parts += [table(study["properties"], {}, study["reruns"])]
    parts += ["Each of `parts`:\n", table(part, {}, study["reruns"])]
    parts += [
        "### A dataset\n",
        "In `datasets`, or by name in `config/datasets.yaml` or a file of `registries`.\n",
    ]
    own = {
        key: {"reruns": "choose_n_clusters"} | value if key == "n_clusters" else value
        for key, value in dataset["properties"].items()
    }
    for key, rule in DATASET_RULES.items():
        own[key] = own[key] | {"reruns": rule}
    parts.append(table(own, {}, dataset["reruns"]))
    keys = own["files"]["items"]["properties"]
    parts += ["Each of `files`:\n", table(keys, {}, "download_dataset")]
    parts += ["`simulate`:\n", table(own["simulate"]["properties"], {}, "simulate_dataset")]
    found_cards = cards.load()
    for stage in STAGES.values():
        parts += [f"## `{stage.name}.<name>`\n", table(stage.settings, {}, stage.rule)]
        wishes = {n: c.stages[stage.name] for n, c in found_cards.items() if stage.name in c.stages}
        lines = [f"- `{name}: {yaml_value(own)}`" for name, own in (stage.named | wishes).items()]
        if lines:
            parts.append("Beside `default` there are\n\n" + "\n".join(lines) + "\n")
    for card in found_cards.values():
        parts.append(f"## `method.<name>` with `recipe: {card.name}`\n")
        cite = f" ({card.cite})" if card.cite else ""
        origin = f" Defaults from: {card.settings_from}" if card.settings_from else ""
        parts.append(f"{card.title[0].upper()}{card.title[1:]}{cite}.{origin}\n")
        parts.append(table(card.settings, {}, "cluster_cells") if card.settings else "No keys.\n")
    parts += ["## `analyses`\n", f"{schema['properties']['analyses']['description']}\n"]
    for card in analyses.load().values():
        parts.append(f"### `analyses.{card.name}.<name>`\n")
        parts.append(f"{card.title[0].upper()}{card.title[1:]}.\n")
        parts.append(table(card.settings, {}, card.name) if card.settings else "No keys.\n")
    for name in ("knowledge", "comparison"):
        section = schema["properties"][name]
        parts += [
            f"## `{name}`\n",
            *([f"{section['description']}\n"] if "description" in section else ()),
        ]
        parts.append(table(section["properties"], shipped[name], section["reruns"]))
    return "\n".join(parts)


def methods_table():
    """Markdown table of the methods from their cards, controls last."""
    found = sorted(cards.load().values(), key=lambda card: (card.control, card.name != "spclust"))
    lines = [f"| `{card.name}` | {card.title} | {card.cite} |" for card in found]
    return "\n".join(["| name | what | cite |", "|---|---|---|", *lines])


def write():
    """Write config/README.md and the table of methods in README.md, note new defaults."""
    first_defaults.write(Plan({}, cards.load(), analyses.load()).defaults)
    (CONFIG_FOLDER / "README.md").write_text(render())
    readme = CONFIG_FOLDER.parent / "README.md"
    readme.write_text(placed(readme.read_text(), MARKS, methods_table()))


def placed(text, marks, new):
    """A text with what stands between a mark and the next of the other replaced."""
    head, rest = text.split(marks[0], 1)
    return f"{head}{marks[0]}\n{new}\n{marks[1]}{rest.split(marks[1], 1)[1]}"


if __name__ == "__main__":
    write()
