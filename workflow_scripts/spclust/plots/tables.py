"""Heat maps that figures have in common."""

import numpy as np
import pandas as pd

from spclust.plots import style

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


def shown_features(markers):
    """Names of the features that a heat map of all clusters has room for, best ranks first."""
    return markers.sort_values(["rank", "cluster"])["feature"].unique()[:MOST_FEATURES]


def in_blocks(values):
    """Features (columns) beside the cluster (row) that they are highest in, so that blocks show."""
    peak = values.to_numpy().argmax(axis=0)
    return values.iloc[:, np.lexsort((-values.to_numpy().max(axis=0), peak))]


def best_markers(markers, clusters, features):
    """Positions (cluster, feature) of the best markers of each cluster, three at most, (m, 2)."""
    best = markers[(markers["rank"] <= 3) & (markers["effect"] > 0)]
    rows = pd.Index(clusters).get_indexer(best["cluster"])
    columns = pd.Index(features).get_indexer(best["feature"])
    positions = np.column_stack([rows, columns])
    return positions[(positions >= 0).all(axis=1)]


def dots(ax, x, y):
    """Mark cells of a heat map."""
    ax.scatter(x, y, s=5, color="white", edgecolors=style.INK, linewidths=0.5)


def marker_heat_map(markers, groups):
    """Mean prepared values, clusters x features; a dot marks the best markers of each cluster."""
    values = markers.pivot(index="cluster", columns="feature", values="mean_in")
    values = in_blocks(values[sorted(shown_features(markers))])
    low, high = np.nanquantile(values, [0.01, 0.99])
    if low < 0:
        # a tiny extreme cluster would leave all others pale
        edge = min(max(abs(low), abs(high)), 3.0)
        label, span = "mean, scaled", {"cmap": style.DIVERGING, "vmin": -edge, "vmax": edge}
    else:
        label, span = "mean", {"cmap": style.SEQUENTIAL, "vmin": 0, "vmax": high}
    names = pd.Index([groups.name(c) for c in values.index])
    fig, ax = heat_map(values.set_axis(names), 0.14, 0.16, label, **span)
    rows, columns = best_markers(markers, values.index, values.columns).T
    dots(ax, columns, rows)
    return fig
