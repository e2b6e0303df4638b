"""Settings that cannot hold together, each rule said once, for the plan and for the library alone.

Imported by Snakemake itself, so it may use the standard library only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from spclust.errors import UserError


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
        ("method", "run"),
        lambda method, run: method == "run" and run is None,
        "whose clusters are first labels is not said; write e.g.  run: leiden",
    ),
    Rule(
        ("spatial_graph", "radius"),
        lambda kind, radius: kind == "radius" and radius is None,
        "a radius graph needs a radius in µm, or in what the coordinates are in; write e.g. "
        " radius: 40, or  spatial_graph: knn",
    ),
    Rule(
        ("expression_space", "spatial_graph"),
        lambda space, kind: space == kind == "none",
        "expression_space and spatial_graph are both none, which leaves no graph; write e.g.  "
        "spatial_graph: knn",
    ),
)


def refuse_contradiction(where, values):
    """Hold the values of one setting against the rules.

    Parameters
    ----------
    where : str
        The setting, for the message.
    values : dict

    Raises
    ------
    UserError
    """
    for rule in RULES:
        if not set(rule.keys) <= set(values):
            continue
        own = [values[key] for key in rule.keys]
        if rule.broken(*own):
            pairs = ", ".join(f"{key}: {value}" for key, value in zip(rule.keys, own))
            raise UserError(f"{where}: {pairs}; {rule.remedy}")
