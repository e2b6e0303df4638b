"""Cells with two markers that no cell has both of."""

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from spclust.plots import bars, style

OVER = "dataset"
CAPTION = (
    "Pairs of markers that no cell has both of: the share of cells with both among those positive "
    "for the rarer marker. The dark part is what the cells next door explain: cells with both have "
    "a neighbour with the second marker so much more often than cells with the first alone. The "
    "line is what would be were both independent. Of many pairs the 40 with most cells."
)
NEEDS = ("analyses.quality.pairs",)
MOST_PAIRS = 40


def draw(dataset):
    table = dataset.table("quality", "pairs.csv", "marker_1", "marker_2", "types")
    table = table.head(MOST_PAIRS)
    pairs = [
        f"{style.shortened(a, 16)} + {style.shortened(b, 16)}"
        for a, b in zip(table["marker_1"], table["marker_2"])
    ]
    fig, (ax,) = bars.rows(pairs, ["share of the rarer marker's cells (%)"], 0.14)
    share, places = 100 * table["share"], range(len(table))
    ax.barh(places, share, 0.7, color=style.RIGHT)
    ax.barh(places, share * table["explained"].fillna(0), 0.7, color=bars.USUAL)
    ax.scatter(100 * table["by_chance"], places, marker="|", s=40, c=style.INK, linewidths=1)
    ax.set_xlim(0)
    handles = [
        Patch(color=bars.USUAL, label="explained by the cells next door"),
        Patch(color=style.RIGHT, label="not explained"),
        Line2D([], [], marker="|", linestyle="", color=style.INK, label="by chance"),
    ]
    fig.legend(handles=handles, loc="outside upper right", ncols=3)
    return fig
