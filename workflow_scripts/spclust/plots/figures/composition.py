"""Shares of the clusters in every slice of a cohort, or in every image of a slice."""

import pandas as pd

from spclust.plots import style

CAPTION = (
    "Shares of the clusters among the cells of each slice (of each image, in a dataset of one "
    "slice), beside each its number of cells; where there are labels, shares of the classes too "
    "(light grey: not scored)."
)
NEEDS = ("several_parts",)
BAR = 0.2  # inches


def draw(run):
    groups, parts = run.groups, run.several_parts
    names = pd.unique(parts) if run.several_slices is not None else sorted(set(parts))
    sizes = pd.Series(parts).value_counts()
    panels = {"clusters": (groups.clusters, {i: groups.cluster_colours[i] for i in groups.ids})}
    if groups.matched:
        labels = groups.labels.where(groups.labels.notna(), "").to_numpy()
        # beside its cluster a class has the same place
        order = [groups.matched[i] for i in groups.ids if i in groups.matched]
        order = {name: groups.class_colours[name] for name in [*order, *groups.class_colours]}
        panels["labels"] = (labels, order | {"": style.BACKGROUND})
    entries = groups.entries()
    fig = style.figure(style.WIDTH, max(BAR * len(names) + 0.65, style.legend_height(entries)))
    axes = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (title, (values, colours)) in zip(axes, panels.items()):
        shares = pd.crosstab(parts, values, normalize="index").reindex(names)
        left = 0
        for value, colour in colours.items():
            if value in shares:
                ax.barh(range(len(names)), shares[value], 0.8, left, color=colour)
                left = left + shares[value].to_numpy()
        ax.set_title(title)
        ax.set_xlim(0, 1)
        ax.set_xlabel("share of the cells")
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    axes[0].set_yticks(range(len(names)), [f"{style.shortened(n)} ({sizes[n]:,})" for n in names])
    style.legend(fig, entries, groups.title())
    return fig
