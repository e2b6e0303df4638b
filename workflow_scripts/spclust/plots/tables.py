"""Heat maps and curves of one run."""

import math

import numpy as np
import pandas as pd

from spclust import style

MOST_PROTEINS = 45


def _heat_map(values, cell_width, cell_height, label, **kwargs):
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


def marker_heat_map(markers, groups, column):
    """Clusters x proteins; a dot marks the best markers of each cluster, three at most.

    Parameters
    ----------
    column : {'mean_in', 'importance'}
        Mean prepared value of the proteins, or the importances the method learnt.
    """
    values = markers.pivot(index="cluster", columns="protein", values=column)
    best = markers[(markers["rank"] <= 3) & (markers["effect"] > 0)]
    if values.shape[1] > MOST_PROTEINS:
        kept = markers.sort_values(["rank", "cluster"])["protein"].unique()[:MOST_PROTEINS]
        values = values[sorted(kept)]
    # proteins beside the cluster that they are highest in, so that blocks show
    values = values.dropna(how="all")
    peak = values.to_numpy().argmax(axis=0)
    values = values.iloc[:, np.lexsort((-values.to_numpy().max(axis=0), peak))]
    row_of = {cluster: i for i, cluster in enumerate(values.index)}
    column_of = {protein: i for i, protein in enumerate(values.columns)}
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
    fig, ax = _heat_map(values.set_axis(names), 0.14, 0.16, label, **span)
    dots = [
        (column_of[p], row_of[c])
        for c, p in zip(best["cluster"], best["protein"])
        if p in column_of and c in row_of
    ]
    ax.scatter(
        *np.array(dots).reshape(-1, 2).T, s=5, color="white", edgecolors=style.INK, linewidths=0.5
    )
    return fig


def confusion(groups):
    """Classes x clusters: counts, coloured by their share of the class."""
    scored = groups.labels.notna().to_numpy()
    counts = pd.crosstab(groups.labels[scored].to_numpy(), groups.clusters[scored])
    # matched clusters in the order of their classes, so that agreement lies on the diagonal
    cluster_of = {name: cluster for cluster, name in groups.matched.items()}
    order = [cluster_of[name] for name in counts.index if name in cluster_of]
    counts = counts[order + [c for c in counts.columns if c not in order]]
    share = counts.div(counts.sum(axis=1), axis=0)
    fig, ax = _heat_map(share, 0.32, 0.2, "share of the class", cmap="Blues", vmin=0, vmax=1)
    ax.tick_params(axis="x", rotation=0)
    ax.set_xlabel("cluster")
    if counts.shape[1] <= 20:
        for (row, column), count in np.ndenumerate(counts.to_numpy()):
            if count:
                colour = "white" if share.iat[row, column] > 0.5 else style.INK
                ax.text(column, row, count, ha="center", va="center", fontsize=6, color=colour)
    return fig


def training(history):
    """A panel for each recorded quantity over the epochs; pre-training is shaded."""
    history = history.reset_index(drop=True)
    quantities = history.select_dtypes("number").columns.drop("epoch", errors="ignore")
    quantities = [q for q in quantities if history[q].notna().any()]
    epoch = pd.Series(np.arange(1, len(history) + 1))
    pretrained = int((history["phase"] == "pretrain").sum())
    columns = min(3, len(quantities))
    rows = math.ceil(len(quantities) / columns)
    fig = style.figure(style.WIDTH * columns / 3, 1.5 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(quantities) :]:
        ax.axis("off")
    for ax, name in zip(axes, quantities):
        values = history[name].dropna()
        if pretrained:
            ax.axvspan(0, pretrained, color=style.BACKGROUND, linewidth=0)
        sparse = len(values) < 0.5 * len(history)
        ax.plot(epoch[values.index], values, color=style.PALETTE[0],
                marker="." if sparse else "", markersize=2.5)  # fmt: skip
        ax.set_title(name.replace("_", " "))
        ax.set_xlim(0, len(history))
        ax.margins(y=0.08)
    fig.supxlabel("epoch" + (" (grey: pre-training)" if pretrained else ""), fontsize=7)
    return fig
