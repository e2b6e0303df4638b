"""Which types touch each other more or less than by chance."""

import numpy as np

from spclust.plots import style
from spclust.plots.tables import heat_map

CAPTION = (
    "Contacts between types: red more, blue fewer than where types are dealt out at random within "
    "each image; contacts less those expected, by their sum, -1 to 1, the mean over patients, or "
    "over slices where no patients are known. Left blank where chance lets fewer than 5 be "
    "expected in all. A dot: the same sign in every patient (slice; image of a single slice) of "
    "six or more; by chance that is one pair of 32 among six, and fewer among more."
)
NEEDS = ("analyses.neighbours.contacts",)
FEWEST, FEWEST_UNITS, LEVELS = 5, 6, ("patient", "slice")


def draw(run):
    table = run.table("neighbours", "contacts.csv", "name", "type", "other")
    kinds = table["type"].unique()
    units = table[table["of"] == next(of for of in LEVELS if of in set(table["of"]))]
    pairs = units.groupby(["type", "other"])
    mean = pairs["effect"].mean().where(pairs["expected"].sum() >= FEWEST)
    again = units if units["name"].nunique() > 1 else table[table["of"] == "image"]
    signs = np.sign(again["effect"]).groupby([again["type"], again["other"]])
    same = (signs.count() >= FEWEST_UNITS) & (signs.min() == signs.max()) & mean.notna()

    def both_ways(values, empty):
        half = values.unstack("other").reindex(index=kinds, columns=kinds)
        return half.combine_first(half.T).loc[kinds, kinds].fillna(empty)

    effect = both_ways(mean, np.nan)
    fig, ax = heat_map(effect, 0.2, 0.2, "effect", cmap=style.DIVERGING, vmin=-1, vmax=1)
    rows, columns = both_ways(same.astype(float), 0).to_numpy().nonzero()
    ax.scatter(columns, rows, s=4, color=style.INK, linewidths=0)
    return fig
