"""UMAP by cluster, with cluster numbers, by class and by image or slice."""

import itertools

import numpy as np
from matplotlib.patheffects import withStroke

from spclust.plots import style
from spclust.plots.maps import aspect_of, points

CAPTION = (
    "UMAP of the cells, by cluster with the clusters' numbers, by label where there is one, and "
    "by slice or image where there are several."
)
NEEDS = ("umap",)


def draw(run):
    groups, xy = run.groups, run.umap
    kind = "image" if run.several_slices is None else "slice"
    of_cell = getattr(run.cells, kind)
    names = sorted(set(of_cell))
    panels = {"clusters": groups.colour_of_cells()}
    if groups.matched:
        panels["labels"] = groups.colour_of_labels()
    if len(names) > 1:
        # from the other end, not to look like clusters
        colour_of = dict(zip(names, itertools.cycle(reversed(style.PALETTE))))
        panels[f"{kind}s ({len(names)})"] = np.array([colour_of[i] for i in of_cell])
    entries = groups.entries()
    space = style.legend_width(entries, groups.title())
    width = min((style.WIDTH - space) / len(panels), 3.4)
    height = width * aspect_of([xy])
    named = 1 < len(names) <= 12
    fig = style.figure(
        width * len(panels) + space,
        max(height + 0.25 + 0.7 * named, style.legend_height(entries)),
    )
    size = style.point_size(len(xy), width, height, filled=0.35)
    for ax, (title, colours) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        points(ax, xy, colours, size)
        ax.set_title(title)
        if title == "clusters":
            for cluster in groups.ids:
                x, y = np.median(xy[groups.clusters == cluster], axis=0)
                ax.text(
                    x,
                    y,
                    str(cluster),
                    ha="center",
                    va="center",
                    weight="bold",
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                )
    style.legend(fig, entries, groups.title())
    if named:
        entries = [(colour_of[n], n) for n in names]
        style.legend(fig, entries, kind, "outside lower left", columns=min(4, len(names)))
    return fig
