"""Distribution of each marker of a state with its threshold."""

import numpy as np

from spclust.plots import bars, style

CAPTION = (
    "Values of each marker of a state over all cells, as arcsinh(value / median of the positive "
    "ones), on a logarithmic count, with its threshold (orange, in the unit of your file; several "
    "where they are sought in slices or images): cells right of it are positive. Thresholds of "
    "your own go into `analyses.states`."
)
NEEDS = ("analyses.states.state_histograms",)
COLUMNS, MOST = 5, 40


def draw(run):
    histograms = run.table("states", "state_histograms.csv", "marker")
    markers = run.table("states", "state_markers.csv", "marker", "where")
    names = histograms["marker"].unique()[:MOST]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    fig = style.figure(max(2.2, style.WIDTH * columns / COLUMNS), min(0.9 * rows + 0.3, 10))
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(names) :]:
        ax.axis("off")
    for ax, name in zip(axes, names):
        own = histograms[histograms["marker"] == name]
        width = np.diff(own["value"]).mean() if len(own) > 1 else 1.0
        ax.bar(own["value"], own["cells"], width, color=bars.USUAL)
        ax.set_yscale("log")
        ax.set_ylim(0.7, None)
        ax.tick_params(axis="y", which="both", left=False, labelleft=False)
        ax.spines["left"].set_visible(False)
        ax.tick_params(length=2, pad=1.5)
        found = markers[markers["marker"] == name].dropna(subset="threshold")
        for row in found.itertuples():
            ax.axvline(np.arcsinh(row.threshold / row.unit), color=bars.ODD, linewidth=0.8)
        said = f" > {found['threshold'].iloc[0]:.3g}" if len(found) == 1 else ""
        ax.set_title(style.shortened(name, 18) + said, fontsize=6.5, pad=2)
    fig.supxlabel("arcsinh(value / median)", fontsize=7)
    return fig
