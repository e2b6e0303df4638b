"""Original cells grey, synthetic ones in the colour of their pseudo-label."""

import numpy as np

from spclust.clustering.colours import matched_colours
from spclust.plots import style
from spclust.plots.maps import tissue

CAPTION = (
    "Synthetic cells of the oversampling in the colour of the cluster that their pseudo-label "
    "overlaps most; original cells are grey. The clusters are of original cells only."
)
NEEDS = ("synthetic_cells",)


def draw(run):
    balanced, groups = run.synthetic_cells, run.groups
    pseudolabels, n = balanced.pseudolabels, balanced.n_original
    clusters = np.r_[groups.clusters.astype(object), np.full(len(balanced) - n, None)]
    colours = matched_colours(pseudolabels, clusters, groups.cluster_colours)
    of_cell = np.array([colours[p] for p in pseudolabels.tolist()])
    of_cell[:n] = style.BACKGROUND
    entries = [(style.BACKGROUND, f"original ({n:,})")]
    for label in np.unique(pseudolabels).tolist():
        entries.append((colours[label], f"{label} (+{(pseudolabels[n:] == label).sum():,})"))
    everywhere = np.ones(len(balanced), dtype=bool)
    return tissue(balanced, [("", of_cell, everywhere)], entries, "synthetic, pseudo-label")[0]
