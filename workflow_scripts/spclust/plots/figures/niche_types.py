"""Types that niches are rich and poor in."""

from spclust.clustering.colours import number_colours
from spclust.plots import style
from spclust.plots.tables import heat_map

CAPTION = (
    "Types (columns) that each niche (rows) is rich in, red, and poor in, blue: log2 of a type's "
    "mean share of the windows of the niche's cells over that of all windows. Numbers: that share "
    "in per cent, where it is 10 or more."
)
NEEDS = ("analyses.niches.niche_types",)
EDGE, WRITTEN, MOST_WRITTEN = 3, 0.1, 20


def draw(run):
    table = run.table("niches", "niche_types.csv", "niche_name", "type")
    types = table["type"].drop_duplicates()
    names = table.drop_duplicates("niche").set_index("niche")["niche_name"]
    enrichment, share = (
        table.pivot(index="niche", columns="type", values=value)[types]
        for value in ("enrichment", "share")
    )
    rows = [f"{niche} · {name}" for niche, name in names.items()]
    fig, ax = heat_map(
        enrichment.set_axis(rows),
        0.3,
        0.2,
        "log2 enrichment",
        cmap=style.DIVERGING,
        vmin=-EDGE,
        vmax=EDGE,
    )
    for label, colour in zip(ax.get_yticklabels(), number_colours(names.index).values()):
        label.set_color(colour)
    if len(types) <= MOST_WRITTEN:
        for i, j in zip(*(share.to_numpy() >= WRITTEN).nonzero()):
            colour = "white" if abs(enrichment.iat[i, j]) > 0.7 * EDGE else style.INK
            text = f"{100 * share.iat[i, j]:.0f}"
            ax.text(j, i, text, ha="center", va="center", fontsize=6, color=colour)
    return fig
