"""Areas and nuclear stains of the cells, and what of them is odd."""

from spclust.plots import bars, style

OVER = "dataset"
CAPTION = (
    "Areas and nuclear stains of all cells. Between the dashed lines lies what is usual, the "
    "median and six robust deviations of the logarithm (or what `analyses.quality` says); orange "
    "is beyond: debris, clumps and cells without a nucleus. Zeros are counted, not drawn."
)
NEEDS = ("analyses.quality.histograms",)
COLUMNS = 3


def draw(dataset):
    table = dataset.table("quality", "histograms.csv", "what")
    limits = dataset.table("quality", "limits.csv", "what").set_index("what")
    shown = table["what"].unique()
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    fig = style.figure(max(3.2, 2.35 * columns), 1.7 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(shown) :]:
        ax.axis("off")
    for ax, what in zip(axes, shown):
        one, limit = table[table["what"] == what], limits.loc[what]
        odd = (one["right"] <= limit["low"]) | (one["left"] >= limit["high"])
        colours = odd.map({True: bars.ODD, False: bars.USUAL})
        ax.bar(one["left"], one["cells"], one["right"] - one["left"], color=colours, align="edge")
        ax.set_xscale("log")
        ax.set_yscale("symlog", linthresh=1)
        ax.set_ylim(0)
        bars.plain_log(ax.xaxis)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        for edge in ("low", "high"):
            if one["left"].min() < limit[edge] < one["right"].max():
                ax.axvline(limit[edge], color=style.INK, linewidth=0.7, linestyle="--")
        told = f"{limit['below']:,} below, {limit['above']:,} above"
        ax.set_title(f"{style.shortened(what)}\n{told}", fontsize=7)
    axes[0].set_ylabel("cells")
    return fig
