"""Tissue of every slice of a cohort by cluster."""

import numpy as np

from spclust.plots.maps import tissue

CAPTION = "The slices of the cohort by cluster; a cluster means the same in all of them."
NEEDS = ("several_slices", "places")
MOST_IMAGES = 12


def draw(run):
    groups, everywhere = run.groups, np.ones(len(run.cells), dtype=bool)
    panels = [("", groups.colour_of_cells(), everywhere)]
    entries = [(groups.cluster_colours[i], groups.name(i)) for i in groups.ids]
    # larger than in the general map
    columns = 2 if len(set(run.cells.image)) <= 4 else 3
    return tissue(run.cells, panels, entries, groups.title(), most=MOST_IMAGES, columns=columns)[0]
