"""Tissue by cluster and by class."""

import numpy as np

from spclust.plots.maps import tissue

CAPTION = (
    "The tissue, by cluster and, where there are labels, by label (light grey: not scored). Of "
    "many images the largest."
)
NEEDS = ("places",)


def draw(run):
    groups, everywhere = run.groups, np.ones(len(run.cells), dtype=bool)
    panels = [("clusters", groups.colour_of_cells(), everywhere)]
    if groups.matched:
        panels.append(("labels", groups.colour_of_labels(), everywhere))
    return tissue(run.cells, panels, groups.entries(), groups.title())[0]
