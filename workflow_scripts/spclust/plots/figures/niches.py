"""Tissue by the niche of each cell."""

import numpy as np

from spclust.clustering.colours import number_colours
from spclust.plots.maps import tissue

CAPTION = (
    "The tissue by the niche of each cell, one set of niches for all images (grey: in none). "
    "Beside the number of a niche the types that it is rich in. Of many images the largest."
)
NEEDS = ("analyses.niches.niche_summary", "places")


def draw(run):
    niches = run.table("niches", "niche_summary.csv", "niche_name")
    cells = run.table("niches", "niches.csv", "cell", "niche_name").set_index("cell")
    colour_of = number_colours([-1, *niches["niche"]])
    colours = cells["niche"].loc[run.cells.ids].map(colour_of).to_numpy().astype(str)
    entries = [(colour_of[n.niche], f"{n.niche} · {n.niche_name}") for n in niches.itertuples()]
    return tissue(run.cells, [("", colours, np.ones(len(cells), bool))], entries, "niche")[0]
