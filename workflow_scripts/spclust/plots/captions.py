"""Captions of the figures of a run, read without importing what draws them.

Imported by Snakemake itself, so it may use the standard library only.
"""

from functools import cache
from pathlib import Path

from spclust.data.literals import literals
from spclust.errors import UserError

FOLDER = Path(__file__).with_name("figures")


def _files():
    return sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")


def modules():
    """Dotted names of the modules that draw a figure each, in the order of their names."""
    return [f"spclust.plots.figures.{path.stem}" for path in _files()]


def captions():
    """Name of each figure to its caption, which the report shows.

    Raises
    ------
    UserError
        When a module has none.
    """
    return {path.stem: _caption(path) for path in _files()}


@cache  # asked for each run that is planned
def analyses():
    """Names of the analyses that figures show, by their ``NEEDS``; legends always show names."""
    needs = {need for path in _files() for need in literals(path).get("NEEDS", ())}
    named = {need.removeprefix("analyses.") for need in needs if need.startswith("analyses.")}
    return {"names", *named, *needs & {"markers", "umap"}}


def _caption(path):
    caption = literals(path).get("CAPTION")
    if not isinstance(caption, str):
        raise UserError(
            f"{path}: no caption for the report that is a plain text; add e.g.  "
            'CAPTION = "UMAP of the cells."'
        )
    return caption
