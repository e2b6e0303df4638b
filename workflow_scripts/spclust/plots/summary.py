"""All runs of a dataset compared."""

import itertools
import math

import numpy as np
import pandas as pd

from spclust.data.scores import ALL, METRICS, mean_and_sd, with_places
from spclust.plots import style

CONTROL, GREY = "#6E6E6E", "#8A8A8A"


def plot_summary(folder, long, controls=(), pdf=False):
    """Draw the comparison of all runs into a folder.

    For each dataset ``table_<dataset>`` and ``metrics_<dataset>``, and for a cohort
    ``slices_<dataset>``.

    Parameters
    ----------
    folder : path
    long : DataFrame
        What :func:`spclust.analyses.metrics.collect` returns.
    controls : list of str
        Runs that are no competitors.
    pdf : bool
        Each figure as PDF, too.
    """
    with style.drawing(folder, pdf) as save:
        for dataset, rows in long.groupby("dataset", sort=False):
            whole, of_slices = rows[rows["slice"] == ALL], rows[rows["slice"] != ALL]
            save(table(whole, dataset, controls), f"table_{dataset}")
            save(dots(whole, dataset, controls), f"metrics_{dataset}")
            if len(of_slices):
                save(slices(of_slices, dataset), f"slices_{dataset}")


def table(long, dataset, controls=()):
    """Runs x metrics, mean over sd; the best run of a metric is bold, the second underlined.

    Controls are grey: bounds to read the others against, never the winner.
    """
    stats = mean_and_sd(_shown(long), ["run", "method", "metric"])
    stats["control"] = stats["run"].isin(controls)
    stats = with_places(stats, ["metric"], order=stats["metric"].map(lambda m: METRICS[m].order))
    runs, metrics = stats["run"].unique().tolist(), stats["metric"].unique().tolist()
    control = stats.groupby("run")["control"].first()
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
        colour = CONTROL if control[run] else style.INK
        ax.text(0.06, (2.5 + i) * row_height, run, va="center", color=colour)
    cells = stats.set_index(["run", "metric"])
    for j, metric in enumerate(metrics):
        x = name_width + (j + 0.5) * cell_width
        title = METRICS[metric].title.replace(" ", "\n")
        ax.text(x, 1.5 * row_height, title, ha="center", va="center")
        for i, run in enumerate(runs):
            if (run, metric) not in cells.index or pd.isna(cells.loc[(run, metric), "mean"]):
                ax.text(x, (2.5 + i) * row_height, "–", ha="center", va="center")
                continue
            mean, sd, place = cells.loc[(run, metric), ["mean", "sd", "place"]]
            whole = METRICS[metric].whole and mean == round(mean)
            text = ax.text(
                x,
                (2.5 + i) * row_height - (0 if pd.isna(sd) else 0.05),
                f"{mean:.0f}" if whole else f"{mean:.3f}",
                ha="center",
                va="center",
                weight="bold" if place == "best" else "normal",
                color=CONTROL if control[run] else style.INK,
            )
            if place == "second":
                _underline(ax, text)
            if pd.notna(sd):
                ax.text(
                    x,
                    (2.5 + i) * row_height + 0.075,
                    f"± {sd:.3f}",
                    ha="center",
                    va="center",
                    fontsize=5.5,
                    color="#5A5A5A",
                )
    return fig


def _shown(long):
    return long[long["metric"].map(lambda name: METRICS[name].shown)]


def _underline(ax, text):
    box = text.get_window_extent()
    (left, bottom), (right, _) = ax.transData.inverted().transform(
        [(box.x0, box.y0), (box.x1, box.y1)]
    )
    ax.plot([left, right], [bottom, bottom], color=text.get_color(), linewidth=0.6)


def dots(long, dataset, controls=()):
    """A panel for each metric: a dot per seed, a bar at their mean; controls are grey."""
    colour_of = {run: GREY if run in controls else style.PALETTE[0] for run in long["run"]}
    fig, panels = _panels(long, dataset)
    for ax, values, y, run in panels:
        ax.plot([values.mean()], [y], "|", color=colour_of[run], markersize=9, markeredgewidth=1.4)
        ax.plot(
            values,
            np.full(len(values), y),
            "o",
            color=colour_of[run],
            markersize=3.2,
            alpha=0.6,
            markeredgewidth=0,
        )
    return fig


def slices(long, dataset):
    """A panel for each metric: a dot for each slice, mean over seeds."""
    means = mean_and_sd(_shown(long), ["run", "slice", "metric"]).rename(columns={"mean": "value"})
    names = means["slice"].unique().tolist()
    colour_of = dict(zip(names, itertools.cycle(style.PALETTE)))
    fig, panels = _panels(means.set_index("slice"), f"{dataset}, its slices")
    for ax, values, y, _ in panels:
        ax.scatter(
            values,
            np.full(len(values), y),
            c=[colour_of[name] for name in values.index],
            s=12,
            alpha=0.8,
            linewidths=0,
        )
    entries = [(colour_of[name], name) for name in names]
    style.legend(fig, entries, "slice", "outside lower left", columns=min(4, len(names)))
    return fig


def _panels(long, title):
    """Figure with a panel for each metric and a line for each run; (axes, values, y, run)."""
    mark = long.loc[long["metric"] == "label_coherence", "value"].mean()
    long = _shown(long)
    metrics, runs = long["metric"].unique().tolist(), long["run"].unique().tolist()
    columns = min(5, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    fig = style.figure(style.WIDTH, rows * (0.16 * len(runs) + 0.55) + 0.25)
    axes = fig.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    panels = []
    for ax in axes[len(metrics) :]:
        ax.axis("off")
    for ax, metric in zip(axes, metrics):
        of_metric = long[long["metric"] == metric].dropna(subset="value")
        panels += [
            (ax, of_metric.loc[of_metric["run"] == run, "value"], y, run)
            for y, run in enumerate(runs)
            if run in set(of_metric["run"])
        ]
        title = METRICS[metric].title
        if metric == "spatial_coherence" and pd.notna(mark):
            ax.axvline(mark, color=style.INK, linewidth=0.7, linestyle=":")
            title += "\n(dotted: of the labels)"
        ax.set_title(title)
        ax.set_yticks(range(len(runs)), runs)
        ax.set_ylim(len(runs) - 0.4, -0.6)
        ax.grid(axis="x", color=style.BACKGROUND, linewidth=0.5)
        ax.set_axisbelow(True)
        ax.margins(x=0.12)
        whole = {"integer": True, "min_n_ticks": 1} if METRICS[metric].whole else {}
        ax.locator_params(axis="x", nbins=4, **whole)
    fig.suptitle(title, x=0.01, ha="left", weight="bold")
    return fig, panels
