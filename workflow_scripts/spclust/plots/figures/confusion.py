"""Classes x clusters: counts, coloured by their share of the class."""

import pandas as pd

from spclust.plots.tables import share_heat_map

CAPTION = (
    "Cells of each class (rows) in each cluster (columns), coloured by their share of the class. "
    "Matched clusters come first, in the order of the classes."
)
NEEDS = ("classes",)


def draw(run):
    groups = run.groups
    scored = groups.labels.notna().to_numpy()
    counts = pd.crosstab(groups.labels[scored].to_numpy(), groups.clusters[scored])
    # matched clusters in the order of their classes, so that agreement lies on the diagonal
    cluster_of = {name: cluster for cluster, name in groups.matched.items()}
    order = [cluster_of[name] for name in counts.index if name in cluster_of]
    counts = counts[order + [c for c in counts.columns if c not in order]]
    fig, ax = share_heat_map(counts, "share of the class")
    ax.set_xlabel("cluster")
    return fig
