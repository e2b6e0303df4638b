"""A panel for each quantity that was recorded in training, over the epochs."""

import math

import numpy as np
import pandas as pd

from spclust.plots import style

CAPTION = (
    "Terms of the objective and state of the training over the epochs; where the method is "
    "pre-trained before, those epochs are grey."
)
NEEDS = ("extras.history",)


def draw(run):
    history = run.extras["history"].reset_index(drop=True)
    quantities = history.select_dtypes("number").columns.drop("epoch", errors="ignore")
    quantities = [q for q in quantities if history[q].notna().any()]
    epoch = pd.Series(np.arange(1, len(history) + 1))
    pretrained = int((history["phase"] == "pretrain").sum()) if "phase" in history else 0
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
        ax.plot(
            epoch[values.index],
            values,
            color=style.PALETTE[0],
            marker="." if sparse else "",
            markersize=2.5,
        )
        ax.set_title(name.replace("_", " "))
        ax.set_xlim(0, len(history))
        ax.margins(y=0.08)
    fig.supxlabel("epoch" + (" (grey: pre-training)" if pretrained else ""), fontsize=7)
    return fig
