"""How far each marker is shifted in each image."""

import numpy as np

from spclust.plots import style
from spclust.plots.tables import heat_map

OVER = "dataset"
CAPTION = (
    "How far each marker peaks, in each image, from where it peaks in the median image, in "
    "standard deviations within images. A row of one colour is an image stained apart, a single "
    "field a marker that is so there. Of many images and markers the most shifted."
)
# corrections there are of several batches only
NEEDS = ("analyses.quality.marker_images", "analyses.quality.corrections")
MOST_IMAGES, MOST_MARKERS = 50, 60


def draw(dataset):
    table = dataset.table("quality", "marker_images.csv", "marker", "image")
    names = table["marker"].unique(), table["image"].unique()
    values = table.pivot(index="image", columns="marker", values="shift")
    values = values.reindex(index=names[1], columns=names[0])
    far = values.abs()
    images = far.mean(axis=1).sort_values(ascending=False, kind="stable").index[:MOST_IMAGES]
    markers = far.max().sort_values(ascending=False, kind="stable").index[:MOST_MARKERS]
    values = values.loc[values.index.isin(images), values.columns.isin(markers)]
    edge = max(1.0, float(np.nanquantile(values.abs(), 0.99)))
    fig, _ = heat_map(
        values, 0.15, 0.15, "shift (deviations)", cmap=style.DIVERGING, vmin=-edge, vmax=edge
    )
    return fig
