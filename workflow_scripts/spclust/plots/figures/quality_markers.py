"""Whether each marker has signal."""

from spclust.plots import bars

OVER = "dataset"
CAPTION = (
    "Each marker: the share of positive cells, the mean of these over that of the others, how far "
    "the density falls between both (0: one peak), the share of its variance that the other "
    "markers explain, how alike the six nearest cells are (Moran's I), and the share of cells at "
    "its maximum. Orange: markers without signal, and saturated ones. Images that look stained "
    "apart take part in the last alone. Of many markers the 60 least explained."
)
NEEDS = ("analyses.quality.markers",)
PANELS = {
    "positive": "positive (%)",
    "signal_to_noise": "signal to noise",
    "valley": "valley",
    "explained": "explained by\nothers",
    "spatial": "neighbours\nalike",
    "saturated": "saturated (%)",
}


def draw(dataset):
    table = dataset.table("quality", "markers.csv", "marker")
    table = table.sort_values("explained", kind="stable").head(bars.MOST_ROWS)
    fig, axes = bars.rows(table["marker"], PANELS.values(), 0.13)
    for ax, (column, label) in zip(axes, PANELS.items()):
        values = table[column] * (100 if "%" in label else 1)
        odd = table["saturated"] > 0 if column == "saturated" else table["no_signal"]
        bars.dots(ax, values, odd.to_numpy(dtype=bool))
        if column == "signal_to_noise" and (values > 0).any():
            ax.set_xscale("log")
            bars.plain_log(ax.xaxis)
        else:
            values = values.fillna(0)
            span = max(values.max(), 1 if "%" in label else 0.1)
            ax.set_xlim(min(-0.04 * span, 1.05 * values.min()), 1.05 * span)
    return fig
