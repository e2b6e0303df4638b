"""What each cluster has of each feature, beside what that does for the cluster in the method."""

import numpy as np
import pandas as pd

from spclust.analyses import names as naming
from spclust.plots import style
from spclust.plots.tables import best_markers, dots, in_blocks, shown_features

CAPTION = (
    "Effect and importance of each feature (row) for each cluster (column). Effect: how far the "
    "cluster lies from all other cells, in standard deviations, by the rank-sum test. Attribution: "
    "what the trained model's score of the cluster, a cosine, loses on average over its cells when "
    "they have no more of the feature than the median cell; blank where the method did not see the "
    "feature. Weights E, where the method learnt them: the paper's matrix, which scales what the "
    "model sees and need not be large for a cluster's markers. Dots: the cluster's best markers, "
    "three at most, by the rank-sum test."
)
NEEDS = ("markers", "extras.attribution")


def draw(run):
    markers = run.markers
    effect = naming.strength(markers)[sorted(shown_features(markers))]
    effect = effect[in_blocks(effect.fillna(0)).columns].T
    panels = [(effect, "effect (standard deviations)", True)]
    for column, label, signed in (
        ("attribution", "attribution (cosine)", True),
        ("importance", "learnt weights E", False),
    ):
        values = markers.pivot(index="feature", columns="cluster", values=column)
        if values.notna().any(axis=None):
            panels.append((values.loc[effect.index, effect.columns], label, signed))
    clusters = pd.Index([style.shortened(run.groups.name(c)) for c in effect.columns])
    wide = (style.WIDTH - 1) / (len(panels) * len(clusters))
    tallest = 0.055 * max(map(len, clusters))
    across = min(0.16, wide) * len(panels) * len(clusters)
    fig = style.figure(max(3.4, 1.2 + across), 0.12 * len(effect) + tallest + 0.8)
    axes = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    rows, columns = best_markers(markers, effect.columns, effect.index).T
    for ax, (values, label, signed) in zip(axes, panels):
        image = ax.imshow(values, aspect="auto", **_span(values, signed))
        dots(ax, rows, columns)
        ax.set_xticks(range(len(clusters)), clusters, rotation=90, fontsize=min(6.5, 60 * wide))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = fig.colorbar(image, ax=ax, location="top", aspect=18, shrink=0.9, pad=0.02)
        bar.set_label(label)
        bar.outline.set_visible(False)
    axes[0].set_yticks(range(len(effect)), [style.shortened(f) for f in effect.index])
    return fig


def _span(values, signed):
    """Colours of a panel; a tiny extreme cluster would leave all others pale."""
    low, high = np.nanquantile(values, [0.01, 0.99])
    if not signed:
        return {"cmap": style.SEQUENTIAL, "vmin": low, "vmax": high}
    edge = max(abs(low), abs(high))
    return {"cmap": style.DIVERGING, "vmin": -edge, "vmax": edge}
