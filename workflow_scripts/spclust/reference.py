"""Write config/README.md from the schemas and the shipped configuration.

Run ``make docs`` (or ``python -m spclust.reference`` in ``workflow_scripts``) after changing
either; a test compares the file with what this module would write.
"""

import yaml

from spclust.settings import CONFIG_FOLDER, STAGES, load_schema
from spclust.validation import yaml_value

INTRODUCTION = """# Configuration

Written by `make docs` from `config/schemas/` and `config/config.yaml`; do not edit.

A file given with `--configfile` is laid over `config/config.yaml`: mappings are merged key by
key, lists replace the whole list. So a slice of your own needs no more than

```yaml
datasets:
  - name: my_slice
    path: cells.csv
    label: cell_type    # only where the guess is wrong, or to be sure
```

Stages and methods have **named settings**. Every setting starts from `default` (of a method:
from the setting named like its recipe) and says only what differs. Changing a value of a
setting overwrites what was made with it and reruns from the stage in the last column; giving it
a **new name** keeps both side by side:

```yaml
graphs:
  k20: {n_neighbors: 20}
runs:
  - {name: spclust}
  - {name: spclust_k20, graphs: k20}
```

YAML reads `1e-3` as text; write `0.001` or `1.0e-3`.
"""


def type_of(schema):
    """A key's type in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(s) for s in schema["anyOf"]))
    if "enum" in schema:
        return " / ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return "name" if schema["$ref"].endswith("name") else "number or `from_labels` / `auto`"
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
    definition_of = {key: definitions["n_clusters"] for key in ("n_clusters",)}
    with_tables = {*STAGES, "methods", "runs", "evaluation"}
    top = {
        key: definition_of.get(key, {}) | value
        for key, value in schema["properties"].items()
        if key not in with_tables
    }
    parts += ["## What to run\n", table(top, shipped, "")]
    parts += ["### `runs`: a list of\n", table(definitions["run"]["properties"], {}, "what is new")]
    parts += ["### A dataset\n", "In `datasets`, or by name in `config/datasets.yaml`.\n"]
    own = {key: {"reruns": "choose_n_clusters"} | value if key == "n_clusters" else value
           for key, value in dataset["properties"].items()}  # fmt: skip
    own["files"] = own["files"] | {"reruns": "download_dataset"}
    own["simulate"] = own["simulate"] | {"reruns": "simulate_dataset"}
    parts.append(table(own, {}, dataset["reruns"]))
    keys = own["files"]["items"]["properties"]
    parts += ["Each of `files`:\n", table(keys, {}, "download_dataset")]
    parts += ["`simulate`:\n", table(own["simulate"]["properties"], {}, "simulate_dataset")]
    for stage in STAGES:
        keys, rule = definitions[stage]["properties"], definitions[stage]["reruns"]
        parts += [f"## `{stage}.<name>`\n", table(keys, shipped[stage]["default"], rule)]
    for recipe, definition in definitions["recipes"].items():
        rule = "train" if definition["needs"] == "graphs" else "cluster_cells"
        parts.append(f"## `methods.<name>` with `recipe: {recipe}`\n")
        keys = definition["properties"]
        parts.append(table(keys, shipped["methods"][recipe], rule) if keys else "No keys.\n")
    evaluation = schema["properties"]["evaluation"]
    keys, rule = evaluation["properties"], evaluation["reruns"]
    parts += ["## `evaluation`\n", table(keys, shipped["evaluation"], rule)]
    return "\n".join(parts)


if __name__ == "__main__":
    (CONFIG_FOLDER / "README.md").write_text(render())
