"""Captions of the figures of a run or a dataset, read without importing what draws them.

Imported by Snakemake itself, so it may use the standard library only.
"""

from functools import cache
from pathlib import Path

from spclust.data.literals import literals
from spclust.errors import UserError

FOLDER = Path(__file__).with_name("figures")


def _files(over):
    paths = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
    return [path for path in paths if literals(path).get("OVER", "run") == over]


def modules(over="run"):
    """Dotted names of the modules that draw a figure each, in the order of their names.

    Parameters
    ----------
    over : {'run', 'dataset'}
        What the figures are of.
    """
    return [f"spclust.plots.figures.{path.stem}" for path in _files(over)]


def captions(over="run"):
    """Name of each figure to its caption, which the report shows.

    Raises
    ------
    UserError
        When a module has none.
    """
    return {path.stem: _caption(path) for path in _files(over)}


@cache  # asked for each run that is planned
def analyses(over="run"):
    """Names of the analyses that figures show, by their ``NEEDS``."""
    needs = {need for path in _files(over) for need in literals(path).get("NEEDS", ())}
    named = {need.split(".")[1] for need in needs if need.startswith("analyses.")}
    # legends of runs always show names
    return named if over == "dataset" else {"names", *named, *needs & {"markers", "umap"}}


def _caption(path):
    caption = literals(path).get("CAPTION")
    if not isinstance(caption, str):
        raise UserError(
            f"{path}: no caption for the report that is a plain text; add e.g.  "
            'CAPTION = "UMAP of the cells."'
        )
    return caption
