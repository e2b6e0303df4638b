"""Which types have cells that touch any of another more or less often than by chance."""

from spclust.plots import style
from spclust.plots.tables import heat_map

CAPTION = (
    "Cells of each type (rows) that touch at least one of another or their own (columns): red "
    "more, blue fewer than where types are dealt out at random within each image, by the "
    "difference of their shares; the mean over patients, or over slices where no patients are "
    "known. Numbers: the share in per cent, of 20 types at most. Left blank where chance lets "
    "fewer than 5 cells be expected in all."
)
NEEDS = ("analyses.neighbours.touching",)
FEWEST, EDGE, MOST_WRITTEN, LEVELS = 5, 0.5, 20, ("patient", "slice")


def draw(run):
    table = run.table("neighbours", "touching.csv", "name", "type", "touched")
    kinds = table["type"].unique()
    units = table[table["of"] == next(of for of in LEVELS if of in set(table["of"]))]
    pairs = units.groupby(["type", "touched"])
    enough = pairs["expected"].sum() >= FEWEST
    effect, share = (
        pairs[value].mean().where(enough).unstack("touched").loc[kinds, kinds]
        for value in ("effect", "share")
    )
    look = {"cmap": style.DIVERGING, "vmin": -EDGE, "vmax": EDGE}
    fig, ax = heat_map(effect, 0.24, 0.2, "difference", **look)
    ax.set_xlabel("touched")
    if len(kinds) <= MOST_WRITTEN:
        for i, j in zip(*effect.notna().to_numpy().nonzero()):
            colour = "white" if abs(effect.iat[i, j]) > 0.7 * EDGE else style.INK
            text = f"{100 * share.iat[i, j]:.0f}"
            ax.text(j, i, text, ha="center", va="center", fontsize=5.5, color=colour)
    return fig
