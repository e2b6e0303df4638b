"""Share of positive cells of each type for each marker of a state."""

from spclust.plots import style
from spclust.plots.tables import heat_map

CAPTION = (
    "Per cent of the cells of each type (rows) that are above the threshold of each marker of a "
    "state (columns); the figure `state_thresholds` shows the thresholds. A star marks those that "
    "part no clear groups, so that positive is a matter of degree."
)
NEEDS = ("analyses.states.states",)
MOST_WRITTEN = 20


def draw(run):
    table = run.table("states", "states.csv", "name", "type", "marker")
    table = table[table["of"] == "all"]
    markers = run.table("states", "state_markers.csv", "marker")
    clear = markers["clear"].astype(str).ne("False").groupby(markers["marker"]).all()
    share = 100 * table.pivot(index="type", columns="marker", values="share")
    share = share.loc[table["type"].unique(), table["marker"].unique()]
    shown = share.set_axis([f"{m}{'' if clear[m] else ' *'}" for m in share], axis=1)
    fig, ax = heat_map(shown, 0.3, 0.2, "positive, %", cmap="Blues", vmin=0, vmax=100)
    if share.shape[1] <= MOST_WRITTEN:
        for i in range(share.shape[0]):
            for j in range(share.shape[1]):
                value = share.iat[i, j]
                if value == value:
                    colour = "white" if value > 50 else style.INK
                    written = {"ha": "center", "va": "center", "fontsize": 6, "color": colour}
                    ax.text(j, i, f"{value:.0f}", **written)
    return fig
