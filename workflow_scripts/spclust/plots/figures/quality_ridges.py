"""Distribution of each marker in each image."""

import numpy as np

from spclust.plots import bars, style

OVER = "dataset"
CAPTION = (
    "Each marker's distribution in each image, of arcsinh(value / median of the positive ones), "
    "each to its own height; without zeros where these are more than 5 %, and nothing of images "
    "with fewer than 50 such cells. An image has the same place in all panels; orange "
    "are images that look stained apart. Of many images the twelve most shifted, of many "
    "markers the 60 most shifted."
)
NEEDS = ("analyses.quality.densities",)
COLUMNS = 6


def draw(dataset):
    table = dataset.table("quality", "densities.csv", "marker", "image")
    images = dataset.table("quality", "images.csv", "image").set_index("image")
    shifts = dataset.table("quality", "marker_images.csv", "marker", "image")
    far = shifts["shift"].abs().groupby(shifts["marker"], sort=False).max()
    chosen = set(far.sort_values(ascending=False, kind="stable").index[: bars.MOST_ROWS])
    markers = [marker for marker in table["marker"].unique() if marker in chosen]
    names = table["image"].unique()
    columns = min(COLUMNS, len(markers))
    rows = -(-len(markers) // columns)
    height = 0.62 + 0.035 * len(names)
    fig = style.figure(style.WIDTH, min(rows * height + 0.3, 10))
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.tick_params(length=2, pad=1.5)
    for ax in axes[len(markers) :]:
        ax.axis("off")
    grouped = dict(tuple(table.groupby(["marker", "image"], sort=False)))
    for ax, marker in zip(axes, markers):
        for place, image in enumerate(names):
            one = grouped[marker, image]
            density = one["density"].to_numpy()
            if not density.any():
                continue
            base = 0.45 * (len(names) - 1 - place)
            line = base + density / density.max()
            colour = bars.ODD if images["outlier"].get(image, False) else bars.USUAL
            ax.fill_between(one["value"], base, line, color=colour, alpha=0.35, linewidth=0)
            ax.plot(one["value"], line, color=colour, linewidth=0.6)
        ax.set_ylim(-0.05, 0.45 * (len(names) - 1) + 1.05)
        ax.set_title(style.shortened(marker, 18), fontsize=6.5, pad=2)
        ax.set_xlim(*np.quantile(grouped[marker, names[0]]["value"], [0, 1]))
    told = ", ".join(style.shortened(name, 14) for name in names)
    if len(names) > 1:
        fig.suptitle(f"images from the top: {told}", x=0.01, ha="left", fontsize=6.5, wrap=True)
    fig.supxlabel("arcsinh(value / median)", fontsize=7)
    return fig
