"""Markdown of what a run writes, from ``files.yaml`` and the cards of analyses."""

import re
from pathlib import Path

import yaml

from spclust.plan import analyses

# folder of an analysis, by what it is made over
HOMES = {
    "run": "<run>",
    "space": "<run>` or `results/<replicate>",
    "dataset": "<dataset>",
    "cohort": "summary",
}


def declared():
    """Files of the workflow's own rules: heading to path to ``rule``, ``about``, ``columns``."""
    return yaml.safe_load(Path(__file__).with_name("files.yaml").read_text())


def pattern(path):
    """Regular expression of the paths that a declared one stands for."""
    parts = re.split(r"(<\w+>|\{\w+\})", path)
    return "".join(".+" if part[:1] in ("<", "{") else re.escape(part) for part in parts)


def described(path, made_by, about, columns):
    """One file as Markdown."""
    lines = [f"**`{path}`** ({made_by}). {about}"]
    if columns:
        rows = [f"| `{name}` | {says} |" for name, says in columns.items()]
        lines += ["", "| column | what it says |", "|---|---|", *rows]
    return "\n".join(lines)


def files():
    """Every file of the workflow's own rules."""
    parts = []
    for heading, entries in declared().items():
        parts.append(f"### {heading}")
        for path, entry in entries.items():
            parts.append(described(path, entry["rule"], entry["about"], entry.get("columns")))
    return "\n\n".join(parts)


def analysis_files():
    """Every file of the analyses."""
    parts = []
    for card in analyses.load().values():
        cite = f" ({card.cite})" if card.cite else ""
        parts.append(f"### `{card.name}`: {card.title}{cite}")
        for name, file in card.writes.items():
            path = f"results/{HOMES[card.over]}/{card.name}/{name}"
            parts.append(described(path, card.name, file["about"], file.get("columns")))
    return "\n\n".join(parts)


BLOCKS = {"files": files, "analysis files": analysis_files}
