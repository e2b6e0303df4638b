"""Mean of each feature in each cluster."""

from spclust.plots.tables import marker_heat_map

CAPTION = (
    "Mean of each feature in each cluster, after preprocessing. Dots: the cluster's best markers, "
    "three at most, by the rank-sum test against all other cells."
)
NEEDS = ("markers",)


def draw(run):
    return marker_heat_map(run.markers, run.groups)
