"""What differs between batches, before and after each correction."""

from spclust.plots import bars

OVER = "dataset"
CAPTION = (
    "Differences between the slices of a cohort, else the images, before and after each "
    "correction: the share of the variance between them (composition counts, too), the share of "
    "cells that a batch's own threshold calls otherwise than the common one, how mixed batches are "
    "(iLISI, 1 mixed), and how alike markers correlate within batches as before (1 alike)."
)
NEEDS = ("analyses.quality.corrections",)
PANELS = {
    "variance": "variance between (%)",
    "discordance": "called otherwise (%)",
    "mixing": "mixing",
    "kept": "correlations kept",
}


def draw(dataset):
    table = dataset.table("quality", "corrections.csv", "correction")
    names = [name.replace("_", " ") for name in table["correction"]]
    fig, axes = bars.rows(names, PANELS.values(), 0.2)
    for ax, (column, label) in zip(axes, PANELS.items()):
        bars.bars(ax, table[column] * (100 if "%" in label else 1))
        if "%" not in label:
            ax.set_xlim(0, 1)
    return fig
