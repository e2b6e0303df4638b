"""Planted cell types with the markers that name them."""

import numpy as np
from planted import cells_of

PANEL = ["CD45", "CD3", "CD4", "CD8", "CD20", "CD68", "CD31", "SMA", "PanCK", "Ki67"]
TYPES = {
    "CD4 T cell": "CD45 CD3 CD4",
    "CD8 T cell": "CD45 CD3 CD8",
    "B cell": "CD45 CD20",
    "Macrophage": "CD45 CD68",
    "Endothelial cell": "CD31",
    "Smooth muscle or myofibroblast": "SMA",
    "Epithelial cell": "PanCK",
}


def planted(types=TYPES, n=60, seed=0, names=PANEL, high=3.0):
    """Cells of each type with its markers up, and their clusters."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n * len(types), len(names)))
    clusters = np.repeat(np.arange(len(types)), n)
    for i, up in enumerate(types.values()):
        x[np.ix_(clusters == i, [PANEL.index(name) for name in up.split()])] += high
    return cells_of(x, names=list(names)), clusters
