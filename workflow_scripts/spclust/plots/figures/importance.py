"""Importance of each feature for each cluster, as the method learnt it."""

from spclust.plots.tables import marker_heat_map

CAPTION = (
    "Importance of each feature for each cluster as the method learnt it (matrix E). Dots: the "
    "cluster's best markers by the rank-sum test."
)
NEEDS = ("extras.importance",)


def draw(run):
    return marker_heat_map(run.markers, run.groups, "importance")
