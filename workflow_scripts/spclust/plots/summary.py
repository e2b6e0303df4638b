"""All runs of one slice compared."""

import math

import numpy as np
import pandas as pd

from spclust import style
from spclust.metrics import mean_and_sd

# more is not better
UNRANKED = {"n_clusters"}


def table(long, dataset, controls=()):
    """Runs x metrics, mean over sd; the best run of a metric is bold, the second underlined.

    Controls are grey: bounds to read the others against, never the winner.
    """
    stats = mean_and_sd(long)
    runs, metrics = stats["run"].unique().tolist(), stats["metric"].unique().tolist()
    control = stats.groupby("run")["method"].first().isin(controls)
    seeds = long["seed"].nunique()
    name_width, cell_width, row_height = 0.2 + 0.057 * max(map(len, runs)), 0.6, 0.28
    width, height = name_width + cell_width * len(metrics) + 0.06, row_height * (len(runs) + 2.2)
    fig = style.figure(width, height)
    fig.set_layout_engine("none")  # every place is given
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    over = f"mean ± sd over {seeds} seeds" if seeds > 1 else f"seed {long['seed'].iloc[0]}"
    ax.text(0.06, 0.5 * row_height, f"{dataset}, {over}", va="center", fontsize=8, weight="bold")
    for y in (1.0, 2.0):
        ax.axhline(y * row_height, 0.01, 0.99, color=style.INK, linewidth=0.6)
    for i, run in enumerate(runs):
        colour = "#6E6E6E" if control[run] else style.INK
        ax.text(0.06, (2.5 + i) * row_height, run, va="center", color=colour)
    cells = stats.set_index(["run", "metric"])
    for j, metric in enumerate(metrics):
        x = name_width + (j + 0.5) * cell_width
        ax.text(x, 1.5 * row_height, metric.replace("_", "\n"), ha="center", va="center")
        first, second = _podium(stats[stats["metric"] == metric], control)
        for i, run in enumerate(runs):
            if (run, metric) not in cells.index or pd.isna(cells.loc[(run, metric), "mean"]):
                ax.text(x, (2.5 + i) * row_height, "–", ha="center", va="center")
                continue
            mean, sd = cells.loc[(run, metric), ["mean", "sd"]].astype(float)
            whole = metric in UNRANKED and mean == round(mean)
            text = ax.text(
                x, (2.5 + i) * row_height - (0 if pd.isna(sd) else 0.05),
                f"{mean:.0f}" if whole else f"{mean:.3f}", ha="center", va="center",
                weight="bold" if run in first else "normal",
                color="#6E6E6E" if control[run] else style.INK,
            )  # fmt: skip
            if run in second:
                _underline(ax, text)
            if pd.notna(sd):
                ax.text(x, (2.5 + i) * row_height + 0.075, f"± {sd:.3f}", ha="center",
                        va="center", fontsize=5.5, color="#5A5A5A")  # fmt: skip
    return fig


def _podium(stats, control):
    """Runs that share the best and the second best mean of a metric, as printed."""
    if stats["metric"].iloc[0] in UNRANKED:
        return (), ()
    ranked = stats[~stats["run"].map(control)].dropna(subset="mean")
    means = ranked.set_index("run")["mean"].round(3)
    best = means[means == means.max()]
    rest = means.drop(best.index)
    return list(best.index), list(rest[rest == rest.max()].index)


def _underline(ax, text):
    box = text.get_window_extent()
    (left, bottom), (right, _) = ax.transData.inverted().transform(
        [(box.x0, box.y0), (box.x1, box.y1)]
    )
    ax.plot([left, right], [bottom, bottom], color=text.get_color(), linewidth=0.6)


def dots(long, dataset, controls=()):
    """A panel for each metric: a dot per seed, a bar at their mean; controls are grey."""
    metrics = long["metric"].unique().tolist()
    runs = long["run"].unique().tolist()
    control = long.groupby("run")["method"].first().isin(controls)
    columns = min(5, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    fig = style.figure(style.WIDTH, rows * (0.16 * len(runs) + 0.55) + 0.25)
    axes = fig.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax in axes[len(metrics) :]:
        ax.axis("off")
    for ax, metric in zip(axes, metrics):
        for y, run in enumerate(runs):
            values = long.loc[(long["run"] == run) & (long["metric"] == metric), "value"].dropna()
            if values.empty:
                continue
            colour = "#8A8A8A" if control[run] else style.PALETTE[0]
            ax.plot([values.mean()], [y], "|", color=colour, markersize=9, markeredgewidth=1.4)
            ax.plot(values, np.full(len(values), y), "o", color=colour, markersize=3.2, alpha=0.6,
                    markeredgewidth=0)  # fmt: skip
        ax.set_title(metric.replace("_", " "))
        ax.set_yticks(range(len(runs)), runs)
        ax.set_ylim(len(runs) - 0.4, -0.6)
        ax.grid(axis="x", color=style.BACKGROUND, linewidth=0.5)
        ax.set_axisbelow(True)
        ax.margins(x=0.12)
        whole = {"integer": True, "min_n_ticks": 1} if metric in UNRANKED else {}
        ax.locator_params(axis="x", nbins=4, **whole)
    fig.suptitle(dataset, x=0.01, ha="left", weight="bold")
    return fig
