"""Cells, density, brightness and shift of each image."""

import numpy as np

from spclust.plots import bars

OVER = "dataset"
CAPTION = (
    "Each image: its cells, their density, the median sum of a cell's values as a multiple of the "
    "dataset's, cells of odd size, stain or signal, and how far half of the markers peak from "
    "where they peak in the median image, in standard deviations within images. Orange: images "
    "beyond one deviation, which look stained apart. Of many images the 60 most shifted."
)
NEEDS = ("analyses.quality",)
ODD = ["empty", "saturated", "area_odd", "nuclear_stain_odd"]


def draw(dataset):
    table = dataset.table("quality", "images.csv", "image", "slice", "farthest")
    shown = table.sort_values("shift", ascending=False, kind="stable").head(bars.MOST_ROWS)
    shown = shown.sort_index()
    unit = table["unit"][0]
    density = "cells per mm²" if unit == "µm" else "cells per million\nsquare units"
    panels = ["cells", density, "brightness", "odd cells (%)", "shift (deviations)"]
    fig, axes = bars.rows(shown["image"], panels)
    values = [
        shown["cells"],
        shown["density"],
        shown["brightness"],
        100 * shown[ODD].sum(axis=1),
        shown["shift"],
    ]
    for ax, of_panel in zip(axes, values):
        bars.bars(ax, of_panel, shown["outlier"].to_numpy(dtype=bool))
        most = of_panel[np.isfinite(of_panel.astype(float))].max()
        ax.set_xlim(0, None if most > 0 else 1)
        if np.isnan(most):
            ax.set_xticks([])
            ax.text(0.5, 0.5, "not known", transform=ax.transAxes, ha="center", va="center")
    return fig
