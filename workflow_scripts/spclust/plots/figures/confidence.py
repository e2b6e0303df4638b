"""Tissue by the confidence of each cell."""

import numpy as np

from spclust.plots import style
from spclust.plots.maps import tissue

CAPTION = (
    "The tissue by the confidence of each cell in its cluster; the scale ends at the 1st and 99th "
    "percentile."
)
NEEDS = ("varying_confidence", "places")


def draw(run):
    values = run.varying_confidence
    low, high = np.quantile(values, [0.01, 0.99])
    if low == high:
        low, high = values.min(), values.max()
    everywhere = np.ones(len(values), dtype=bool)
    fig, points = tissue(
        run.cells, [("", values, everywhere)], cmap=style.SEQUENTIAL, vmin=low, vmax=high
    )
    bar = fig.colorbar(
        points, ax=fig.axes, shrink=0.6, aspect=25, pad=0.02, extend="both", panchor=False
    )
    bar.set_label("confidence")
    bar.outline.set_visible(False)
    return fig
