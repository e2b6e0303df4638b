"""Input functions: tables of proteins and of types; no rule."""

from spclust.data import shipped


def knowledge(table):
    """Paths of the tables of ``proteins`` or ``signatures`` that the configuration names."""
    named = shipped.named(config.get("knowledge", {}), table)
    return [as_named(path) if isinstance(path, str) else own(path) for path in named]


def own(path):
    """Path of one of the library's tables."""
    return f"{PROJECT}/workflow_scripts/spclust/knowledge/{path}"


def simulation_input(wildcards):
    """Input function: the library's tables, where the tissue has types and proteins of them."""
    known = PLAN.slices[wildcards.dataset]["simulate"]["names"] == "known"
    tables = shipped.shipped("proteins") + shipped.shipped("signatures")
    return [own(path) for path in tables if known]
