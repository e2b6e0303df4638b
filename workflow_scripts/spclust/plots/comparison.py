"""Methods compared over slices and seeds."""

import igraph
import numpy as np
import pandas as pd

from spclust import style
from spclust.comparison import ALL_RARE, OF_COST, SCORES
from spclust.contracts import whole_folder
from spclust.reporting import ALPHA

_TESTED = ("scores", "average_ranks", "friedman", "wilcoxon")
CELL, ROW = 0.27, 0.17  # inches of a heat map's cell


def draw(folder, tables):
    """Draw all tables of a comparison into a folder.

    Always ``scores`` and ``costs``; ``rare_classes`` where there are any, ``critical_difference``
    where two methods can be compared.

    Parameters
    ----------
    folder : path
    tables : dict of str to DataFrame
        ``scores``, ``rare_classes``, ``costs``, ``average_ranks``, ``friedman``, ``wilcoxon`` as
        :mod:`spclust.comparison` makes them.
    """
    with style.in_use(), whole_folder(folder) as out:
        style.save(scores(tables["scores"], tables["average_ranks"]), out, "scores")
        style.save(costs(tables["costs"]), out, "costs")
        if len(tables["rare_classes"]):
            style.save(rare_classes(tables["rare_classes"]), out, "rare_classes")
        if len(tables["wilcoxon"]):
            figure = critical_difference(*(tables[n] for n in _TESTED))
            style.save(figure, out, "critical_difference")


def scores(table, ranks):
    """A heat map for each score: slices x methods, the average rank below."""
    averages = ranks[ranks["unit"] == "slices"].set_index(["metric", "run"])["average_rank"]
    runs, datasets = table["run"].unique().tolist(), table["dataset"].unique().tolist()
    columns = 2 if len(runs) <= 14 else 1
    rows = -(-len(SCORES) // columns)
    width = columns * CELL * len(runs) + _names_width(datasets)
    fig = style.figure(width, rows * (ROW * (len(datasets) + 1) + 0.95))
    axes = fig.subplots(rows, columns, squeeze=False)
    for i, (ax, metric) in enumerate(zip(axes.ravel(), SCORES.values())):
        image = _heat_map(ax, table[table["metric"] == metric], "dataset")
        for x, run in enumerate(runs):
            if (metric, run) in averages.index:
                ax.text(x, len(datasets), f"{averages[metric, run]:.1f}", ha="center", va="center",
                        fontsize=5.5)  # fmt: skip
        ax.set_yticks(range(len(datasets) + 1), [*map(style.shortened, datasets), "average rank"])
        ax.set_ylim(len(datasets) + 0.5, -0.5)
        ax.set_title(metric)
        if i % columns:
            ax.tick_params(labelleft=False)
        if i // columns < rows - 1:
            ax.tick_params(labelbottom=False)
    _colour_bar(fig, image, axes, "mean over seeds")
    return fig


def rare_classes(table):
    """F1 of the rare classes, rows, of every method."""
    table = table[table["metric"] == "F1"].copy()
    cells = table["cells"].map(lambda n: "" if pd.isna(n) else f" ({n:.0f})")
    table["row"] = table["dataset"] + "\n" + table["class"]
    names = table["class"].where(table["class"] == ALL_RARE, table["class"] + cells)
    labels = dict(zip(table["row"], names))
    rows, runs = table["row"].unique(), table["run"].unique()
    slices = table.drop_duplicates("row")["dataset"].tolist()
    longest = max(len(labels[row]) for row in rows)
    width = CELL * 1.25 * len(runs) + 0.057 * longest + 0.75
    fig = style.figure(width, ROW * (len(rows) + 1.1 * len(set(slices))) + 1.0)
    sizes = [slices.count(name) for name in dict.fromkeys(slices)]
    axes = np.atleast_1d(fig.subplots(len(sizes), 1, height_ratios=sizes))
    for ax, name in zip(axes, dict.fromkeys(slices)):
        part = table[table["dataset"] == name]
        image = _heat_map(ax, part, "row")
        ax.set_yticks(range(part["row"].nunique()), [labels[row] for row in part["row"].unique()])
        ax.set_title(name, loc="left", pad=3)
        if ax is not axes[-1]:
            ax.tick_params(labelbottom=False)
    _colour_bar(fig, image, axes, "F1, mean over seeds")
    return fig


def costs(table):
    """Time and memory on logarithmic axes: a dot for each slice."""
    from matplotlib.ticker import LogLocator, NullFormatter

    # nothing is drawn of a GPU that nobody used
    metrics = [m for m in OF_COST.values() if (table.loc[table["metric"] == m, "mean"] > 0).any()]
    runs, datasets = table["run"].unique().tolist(), table["dataset"].unique().tolist()
    # more slices than there are colours are not told apart
    named = datasets if len(datasets) <= len(style.PALETTE) else []
    colours = dict(zip(named, style.PALETTE))
    entries = [(colours[name], name) for name in named]
    fig = style.figure(
        style.WIDTH, max(0.19 * len(runs) + 0.65, style.legend_height(entries) + 0.1)
    )
    axes = np.atleast_1d(fig.subplots(1, len(metrics), sharey=True))
    offsets = np.linspace(-0.28, 0.28, len(datasets)) if len(datasets) > 1 else [0]
    for ax, metric in zip(axes, metrics):
        for name, offset in zip(datasets, offsets):
            rows = table[(table["metric"] == metric) & (table["dataset"] == name)]
            values = rows.set_index("run")["mean"].reindex(runs)
            # 0 (no GPU) has no place on the axis
            ax.plot(values.where(values > 0), np.arange(len(runs)) + offset, "o", markersize=3,
                    markeredgewidth=0, color=colours.get(name, style.INK))  # fmt: skip
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=_steps(ax)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel(metric)
        ax.set_yticks(range(len(runs)), runs)
        ax.set_ylim(len(runs) - 0.5, -0.5)
        ax.set_yticks(np.arange(len(runs) - 1) + 0.5, minor=True)
        ax.tick_params(axis="y", which="both", length=0)
        ax.grid(axis="y", which="minor", color=style.BACKGROUND, linewidth=0.5)
        ax.grid(axis="x", color=style.BACKGROUND, linewidth=0.5)
        ax.set_axisbelow(True)
    if named:
        style.legend(fig, entries, "slice")
    return fig


def critical_difference(table, ranks, friedman, pairs, unit="slices and seeds"):
    """Average ranks on a line for each score, and which methods the tests do not tell apart."""
    overall = friedman[friedman["unit"] == unit].set_index("metric")
    panels = []
    for metric, test in overall.iterrows():
        chosen = (ranks["unit"] == unit) & (ranks["metric"] == metric)
        order = ranks[chosen].set_index("run")["average_rank"].sort_values(kind="stable")
        tested = pairs[(pairs["unit"] == unit) & (pairs["metric"] == metric)]
        groups = [order[list(group)].sort_values() for group in cliques(tested)]
        groups.sort(key=lambda group: (group.iloc[0], *group.index))
        panels.append((metric, test, order, groups))
    heights = [1.15 + 0.09 * len(g) + 0.14 * -(-len(o) // 2) for _, _, o, g in panels]
    fig = style.figure(style.WIDTH, sum(heights) + 0.3)
    axes = np.atleast_1d(fig.subplots(len(panels), 1, height_ratios=heights))
    for ax, height, panel in zip(axes, heights, panels):
        _rank_line(ax, height, *panel)
    text = "Average rank, 1 is best. Lines join methods (dots) of which no two differ: "
    text += "Wilcoxon's signed-rank test, Holm, 5 %."
    methods = table.loc[~table["control"], "run"].unique()
    left_out = [run for run in methods if run not in set(ranks["run"])]
    if left_out:
        text += f"\nNot compared, for want of a slice: {', '.join(left_out)}."
    fig.supxlabel(text, fontsize=6.5, x=0.01, ha="left")
    return fig


def cliques(pairs):
    """Largest sets of methods of which no two differ.

    Parameters
    ----------
    pairs : DataFrame
        What :func:`spclust.significance.wilcoxon_holm` returns.

    Returns
    -------
    list of frozenset
        Sets of two methods or more, none within another.
    """
    alike = pairs.loc[pairs["p_holm"] >= ALPHA, ["first", "second"]]
    if alike.empty:
        return []
    graph = igraph.Graph.TupleList(alike.itertuples(index=False))
    return [frozenset(graph.vs[group]["name"]) for group in graph.maximal_cliques(min=2)]


def _steps(ax):
    """Multiples of powers of ten to mark on a logarithmic axis: fewer, the more powers."""
    low, high = ax.get_xlim()
    return (1,) if high / low > 500 else (1, 2, 5) if high / low > 3 else (1, 2, 3, 4, 5, 6, 8)


def _rank_line(ax, height, metric, test, order, groups):
    """One panel of the critical-difference figure; y is in inches below the axis of ranks."""
    k = len(order)
    line = dict(color=style.INK, linewidth=0.7, solid_capstyle="butt")
    margin = 0.32 * (k - 1)  # of the names
    ax.set_xlim(1 - margin, k + margin)
    ax.set_ylim(height - 0.75, -0.75)
    ax.axis("off")
    ax.plot([1, k], [0, 0], **line)
    for rank in range(1, k + 1):
        ax.plot([rank, rank], [0, -0.06], **line)
        ax.text(rank, -0.09, rank, ha="center", va="bottom", fontsize=6)
    p = f"Friedman p = {test['p']:.1g}" if pd.notna(test["p"]) else "no Friedman test"
    ax.text(1 - margin, -0.62, f"{metric}", weight="bold", fontsize=8, va="center")
    ax.text(1 - margin, -0.42, f"{test['blocks']:.0f} blocks\n{p}", fontsize=6, va="top")
    critical = test["critical_difference"]
    if pd.notna(critical):
        # a scale longer than the axis would say that nothing can differ; it is cut, with its value
        ax.plot([1, min(1 + critical, k)], [-0.38, -0.38], color=style.INK, linewidth=1.2)
        ax.text(1, -0.44, f"Nemenyi's critical difference = {critical:.2f}", fontsize=6,
                va="bottom")  # fmt: skip
    for i, group in enumerate(groups):
        y = 0.08 + 0.09 * i
        ax.plot(group, np.full(len(group), y), "o-", color=style.PALETTE[0], linewidth=1.6,
                markersize=2.8, markeredgewidth=0)  # fmt: skip
    below = 0.18 + 0.09 * len(groups)
    half = -(-k // 2)
    for i, (run, rank) in enumerate(order.items()):
        left = i < half
        y = below + 0.14 * (i if left else k - 1 - i)
        end = 1 - 0.03 * k if left else k + 0.03 * k
        ax.plot([rank, rank, end], [0, y, y], **line | {"linewidth": 0.5, "zorder": 0})
        ax.text(end, y, f"{run}  {rank:.2f} " if left else f" {rank:.2f}  {run}", va="center",
                ha="right" if left else "left", fontsize=6.5)  # fmt: skip


def _heat_map(ax, table, rows):
    """Means as numbers on colour from 0 to 1; frame: best, underline: second, dash: missing."""
    names, runs = table[rows].unique(), table["run"].unique()
    values = table.pivot(index=rows, columns="run", values="mean").loc[names, runs]
    places = table.pivot(index=rows, columns="run", values="place").loc[names, runs]
    image = ax.imshow(values.to_numpy(float), cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    for y, x in np.ndindex(values.shape):
        value, place = values.iat[y, x], places.iat[y, x]
        if pd.isna(value):
            ax.text(x, y, "–", ha="center", va="center", fontsize=5.5)
            continue
        colour = "white" if value < 0.5 else "black"
        text = f"{round(value, 2) + 0.0:.2f}".removeprefix("0")
        weight = "bold" if place == "best" else "normal"
        ax.text(x, y, text, ha="center", va="center", fontsize=5.5, color=colour, weight=weight)
        if place == "best":
            ax.plot(x + np.array([-0.42, 0.42, 0.42, -0.42, -0.42]),
                    y + np.array([-0.4, -0.4, 0.4, 0.4, -0.4]), color=colour,
                    linewidth=0.9)  # fmt: skip
        elif place == "second":
            ax.plot([x - 0.26, x + 0.26], [y + 0.36, y + 0.36], color=colour, linewidth=0.7)
    controls = table.drop_duplicates("run")["control"].sum()
    if 0 < controls < len(runs):
        ax.axvline(len(runs) - controls - 0.5, color="white", linewidth=2.5)
    ax.set_xticks(range(len(runs)), runs, rotation=90)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def _colour_bar(fig, image, axes, text):
    bar = fig.colorbar(image, ax=axes, shrink=0.4, aspect=18, fraction=0.02, pad=0.01)
    bar.set_label(text)
    bar.outline.set_linewidth(0.4)


def _names_width(names):
    return 0.9 + 0.057 * max(len(style.shortened(name)) for name in [*names, "average rank"])
