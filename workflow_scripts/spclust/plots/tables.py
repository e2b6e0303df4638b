"""Heat maps that figures have in common."""

import numpy as np
import pandas as pd

from spclust import style

MOST_FEATURES = 45


def heat_map(values, cell_width, cell_height, label, **kwargs):
    """Matrix of colours with row and column names; returns figure, axes."""
    rows, columns = values.shape
    names = 0.055 * max(len(style.shortened(i)) for i in values.index) + 0.3
    width = min(style.WIDTH, max(2.4, names + columns * cell_width + 0.7))
    tallest = 0.055 * max(len(style.shortened(c)) for c in values.columns)
    fig = style.figure(width, max(1.6, rows * cell_height + tallest + 0.4))
    ax = fig.subplots()
    image = ax.imshow(values, aspect="auto", **kwargs)
    ax.set_yticks(range(rows), [style.shortened(i) for i in values.index])
    ax.set_xticks(range(columns), [style.shortened(c) for c in values.columns], rotation=90)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = fig.colorbar(image, ax=ax, aspect=18, shrink=0.9, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    return fig, ax


def share_heat_map(counts, label):
    """Counts as numbers, coloured by their share of the row; returns figure, axes."""
    share = counts.div(counts.sum(axis=1), axis=0)
    fig, ax = heat_map(share, 0.32, 0.2, label, cmap="Blues", vmin=0, vmax=1)
    ax.tick_params(axis="x", rotation=0)
    if counts.shape[1] <= 20:
        for (row, column), count in np.ndenumerate(counts.to_numpy()):
            if count:
                colour = "white" if share.iat[row, column] > 0.5 else style.INK
                ax.text(column, row, count, ha="center", va="center", fontsize=6, color=colour)
    return fig, ax


def marker_heat_map(markers, groups, column):
    """Clusters x features; a dot marks the best markers of each cluster, three at most.

    Parameters
    ----------
    column : {'mean_in', 'importance'}
        Mean prepared value of the features, or the importances the method learnt.
    """
    values = markers.pivot(index="cluster", columns="feature", values=column)
    best = markers[(markers["rank"] <= 3) & (markers["effect"] > 0)]
    if values.shape[1] > MOST_FEATURES:
        kept = markers.sort_values(["rank", "cluster"])["feature"].unique()[:MOST_FEATURES]
        values = values[sorted(kept)]
    # features beside the cluster that they are highest in, so that blocks show
    values = values.dropna(how="all")
    peak = values.to_numpy().argmax(axis=0)
    values = values.iloc[:, np.lexsort((-values.to_numpy().max(axis=0), peak))]
    row_of = {cluster: i for i, cluster in enumerate(values.index)}
    column_of = {feature: i for i, feature in enumerate(values.columns)}
    names = pd.Index([groups.name(c) for c in values.index])
    low, high = np.nanquantile(values, [0.01, 0.99])
    if column == "importance":
        label, span = "learnt importance", {"cmap": style.SEQUENTIAL, "vmin": low, "vmax": high}
    elif low < 0:
        # a tiny extreme cluster would leave all others pale
        edge = min(max(abs(low), abs(high)), 3.0)
        label, span = "mean, scaled", {"cmap": style.DIVERGING, "vmin": -edge, "vmax": edge}
    else:
        label, span = "mean", {"cmap": style.SEQUENTIAL, "vmin": 0, "vmax": high}
    fig, ax = heat_map(values.set_axis(names), 0.14, 0.16, label, **span)
    dots = [
        (column_of[p], row_of[c])
        for c, p in zip(best["cluster"], best["feature"])
        if p in column_of and c in row_of
    ]
    ax.scatter(
        *np.array(dots).reshape(-1, 2).T, s=5, color="white", edgecolors=style.INK, linewidths=0.5
    )
    return fig
