"""Confidence against how often it is right."""

import numpy as np

from spclust.analyses import calibration
from spclust.plots import style

CAPTION = (
    "Labelled cells by confidence, in tenths: the share of them whose cluster matches their label. "
    "On the diagonal confidence means what it says; the size of a point is the number of cells. "
    "The expected calibration error is the mean distance from the diagonal."
)
NEEDS = ("classes", "varying_confidence")


def draw(run):
    groups = run.groups
    class_of = np.array([groups.matched.get(c) for c in groups.clusters.tolist()], dtype=object)
    scored = groups.labels.notna().to_numpy()
    right = (class_of == groups.labels.to_numpy())[scored]
    table = calibration.reliability(right, run.varying_confidence[scored])
    fig = style.figure(style.WIDTH / 2, style.WIDTH / 2)
    ax = fig.subplots()
    ax.plot([0, 1], [0, 1], color=style.BACKGROUND, zorder=0)
    size = 4 + 200 * table["cells"] / table["cells"].sum()
    ax.scatter(
        table["confidence"], table["right"], s=size, color=style.PALETTE[0], zorder=2, clip_on=False
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("confidence")
    ax.set_ylabel("share that is right")
    error = calibration.calibration_error(table)
    ax.set_title(f"expected calibration error {error:.3f}")
    return fig
