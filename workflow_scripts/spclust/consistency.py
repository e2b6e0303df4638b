"""Settings that contradict each other, found before anything runs.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from spclust.errors import UserError
from spclust.validation import shown


@dataclass(frozen=True)
class Rule:
    """What must not be true of the settings of a section that has all of some keys.

    Attributes
    ----------
    keys : tuple of str
    broken : callable of (values of the keys)
    remedy : str
        What is wrong and what to write.
    """

    keys: tuple
    broken: Callable
    remedy: str


RULES = (
    Rule(
        ("hidden_dims", "heads"),
        lambda widths, heads: any(width % heads for width in widths),
        "every width in hidden_dims must be a multiple of heads; write e.g.  heads: 1",
    ),
    Rule(
        ("spatial_graph", "radius"),
        lambda kind, radius: kind == "radius" and radius is None,
        "a radius graph needs a radius in the unit of the coordinates; write e.g.  radius: 40, or  "
        "spatial_graph: knn",
    ),
    Rule(
        ("expression_space", "spatial_graph"),
        lambda space, kind: space == kind == "none",
        "expression_space and spatial_graph are both none, which leaves no graph; write e.g.  "
        "spatial_graph: knn",
    ),
)


def refuse_contradictions(settings):
    """Hold named settings against the rules.

    Parameters
    ----------
    settings : dict of str to dict of str to dict
        Section to name to values.

    Raises
    ------
    UserError
    """
    for section, named in settings.items():
        for name, values in named.items():
            for rule in RULES:
                if not set(rule.keys) <= set(values):
                    continue
                found = [values[key] for key in rule.keys]
                if rule.broken(*found):
                    pairs = ", ".join(f"{k}: {v}" for k, v in zip(rule.keys, found))
                    raise UserError(f"{section}.{name}: {pairs}; {rule.remedy}")


def refuse_path(where, path):
    """Refuse a path that Snakemake takes for a pattern, or that no file system can hold.

    Raises
    ------
    UserError
    """
    if re.search(r"[{}\x00-\x1f]", path):
        raise UserError(
            f"{where}, path: {shown(path)} holds a brace or a character that cannot be seen, "
            "which names of files cannot have here; rename the file, e.g.  path: cells.csv"
        )
    if any(len(part.encode()) > 255 for part in path.split("/")) or len(path) > 4000:
        raise UserError(
            f"{where}, path: {shown(path)} is longer than a name of a file can be; write e.g.  "
            "path: cells.csv"
        )
