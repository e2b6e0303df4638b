"""Tissue by the type of each cell."""

import numpy as np

from spclust.plots.maps import tissue

CAPTION = (
    "The tissue by the type of each cell (light grey: unknown, or unsure, where no type has half "
    "of the probability). A type has its colour in all runs of a panel. Of many images the largest."
)
NEEDS = ("analyses.types", "cell_types", "places")


def draw(run):
    colours, entries = run.cell_types
    everywhere = np.ones(len(colours), dtype=bool)
    return tissue(run.cells, [("", colours, everywhere)], entries, "type (cells)")[0]
