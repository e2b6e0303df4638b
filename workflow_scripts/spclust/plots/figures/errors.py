"""Cells that are right grey, the others in the colour of their class."""

import numpy as np
import pandas as pd

from spclust.plots import style
from spclust.plots.maps import tissue

CAPTION = (
    "Labelled cells in the tissue: grey where the cluster matches the label, else in the colour "
    "of the label."
)
NEEDS = ("classes", "places")


def draw(run):
    groups = run.groups
    class_of = pd.Series([groups.matched.get(c) for c in groups.clusters.tolist()], dtype=object)
    right = class_of.to_numpy() == groups.labels.to_numpy()
    scored = groups.labels.notna().to_numpy()
    colours = np.where(right, style.RIGHT, groups.colour_of_labels())
    wrong = groups.labels[scored & ~right].value_counts()
    entries = [(style.RIGHT, f"right ({right[scored].sum():,})")]
    for name, colour in groups.class_colours.items():
        entries.append((colour, f"{style.shortened(name, 20)} ({wrong.get(name, 0):,})"))
    title = f"{right[scored].mean():.1%} right; wrong by class"
    return tissue(run.cells, [("", colours, scored)], entries, title)[0]
