"""Methods compared over slices and seeds."""

import numpy as np
import pandas as pd

from spclust.comparison.evidence import ALPHA, surely_differs
from spclust.comparison.results import ALL_RARE, OF_COST, SCORES, TABLE, by_group
from spclust.plots import style

CELL, ROW = 0.27, 0.17  # inches of a heat map's cell
GREY = "#8A8A8A"


def draw(folder, tables, pdf=False):
    """Draw all tables of a comparison into a folder.

    ``costs`` of the runs that are no controls; for each table of scores, of one kind of labels and
    one group of runs, ``scores_`` and, where its reference has rivals, ``differences_``; for each
    group ``rare_classes`` where there are any.

    Parameters
    ----------
    folder : path
    tables : dict of str to DataFrame
        ``scores``, ``rare_classes``, ``costs``, ``average_ranks``, ``differences`` as
        :mod:`spclust.comparison.results` makes them.
    pdf : bool
        Each figure as PDF, too.
    """
    with style.drawing(folder, pdf) as save:
        # controls take next to nothing, which would only stretch the axes
        of_methods = tables["costs"][~tables["costs"]["control"]]
        if len(of_methods):
            save(costs(of_methods), "costs")
        for labels, part in tables["scores"].groupby("labels", sort=False):
            ranks = tables["average_ranks"]
            for group, rows in by_group(part):
                chosen = ranks[(ranks["labels"] == labels) & ranks["group"].isin(rows["group"])]
                save(scores(rows, chosen), _file("scores", labels, group))
        for group, rows in by_group(tables["rare_classes"]):
            if len(rows):
                save(rare_classes(rows), _file("rare_classes", group))
        pairs = tables["differences"]
        several = pairs["group"].nunique() > 1
        for (labels, group), rows in pairs.groupby(TABLE, sort=False):
            name = _file("differences", labels, group if several else "")
            save(differences(rows), name)


def _file(*parts):
    return "_".join(part for part in parts if part).replace(" ", "_")


def scores(table, ranks):
    """A heat map for each score: slices x methods, the average rank below."""
    averages = ranks.set_index(["metric", "run"])["average_rank"]
    runs, datasets = table["run"].unique().tolist(), table["dataset"].unique().tolist()
    columns = 2 if len(runs) <= 14 else 1
    rows = -(-len(SCORES) // columns)
    width = columns * CELL * len(runs) + _names_width(datasets) + 0.5
    fig = style.figure(width, rows * (ROW * (len(datasets) + 1) + 0.95))
    axes = fig.subplots(rows, columns, squeeze=False)
    for i, (ax, metric) in enumerate(zip(axes.ravel(), SCORES.values())):
        image = _heat_map(ax, table[table["metric"] == metric], "dataset")
        for x, run in enumerate(runs):
            if (metric, run) in averages.index:
                ax.text(
                    x,
                    len(datasets),
                    f"{averages[metric, run]:.1f}",
                    ha="center",
                    va="center",
                    fontsize=5.5,
                )
        ax.set_yticks(range(len(datasets) + 1), [*map(style.shortened, datasets), "average rank"])
        ax.set_ylim(len(datasets) + 0.5, -0.5)
        ax.set_title(metric)
        if i % columns:
            ax.tick_params(labelleft=False)
        if i // columns < rows - 1:
            ax.tick_params(labelbottom=False)
    _colour_bar(fig, image, axes, "mean over\nseeds")
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
    width = CELL * 1.25 * len(runs) + 0.057 * longest + 1.3
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
    _colour_bar(fig, image, axes, "F1,\nmean over\nseeds")
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
            ax.plot(
                values.where(values > 0),
                np.arange(len(runs)) + offset,
                "o",
                markersize=3,
                markeredgewidth=0,
                color=colours.get(name, style.INK),
            )
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


def differences(pairs):
    """The reference less each rival: a panel for each score, a line for each interval.

    Parameters
    ----------
    pairs : DataFrame
        What :func:`spclust.comparison.significance.compare` returns, of one table.
    """
    rivals, metrics = pairs["rival"].unique().tolist(), pairs["metric"].unique().tolist()
    first = pairs.iloc[0]
    fig = style.figure(style.WIDTH, 0.16 * len(rivals) + 0.95)
    axes = np.atleast_1d(fig.subplots(1, len(metrics), sharey=True))
    for ax, metric in zip(axes, metrics):
        rows = pairs[pairs["metric"] == metric].set_index("rival").loc[rivals]
        differs = surely_differs(rows["low"], rows["high"], rows["level"])
        for y, (row, sure) in enumerate(zip(rows.itertuples(), differs)):
            colour = style.PALETTE[0] if sure else GREY
            ax.plot([row.low, row.high], [y, y], color=colour, linewidth=1.2)
            ax.plot(row.difference, y, "o", color=colour, markersize=3.5, markeredgewidth=0)
        ax.axvline(0, color=style.INK, linewidth=0.5)
        ax.set_title(metric)
        ax.set_yticks(range(len(rivals)), rivals)
        ax.set_ylim(len(rivals) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.locator_params(axis="x", nbins=4)
        ax.grid(axis="x", color=style.BACKGROUND, linewidth=0.5)
        ax.set_axisbelow(True)
    text = f"{first['reference']} minus each: mean of {first['slices']} slices"
    if pd.notna(first["level"]):
        text += f"; lines: {100 * first['level']:.3g} % over {first['studies']} studies"
    if first["level"] >= 1 - ALPHA:
        text += ", in colour without 0"
    fig.supxlabel(text, fontsize=6.5, x=0.01, ha="left")
    return fig


def _steps(ax):
    """Multiples of powers of ten to mark on a logarithmic axis: fewer, the more powers."""
    low, high = ax.get_xlim()
    return (1,) if high / low > 500 else (1, 2, 5) if high / low > 3 else (1, 2, 3, 4, 5, 6, 8)


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
            ax.plot(
                x + np.array([-0.42, 0.42, 0.42, -0.42, -0.42]),
                y + np.array([-0.4, -0.4, 0.4, 0.4, -0.4]),
                color=colour,
                linewidth=0.9,
            )
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
    # upright it would be longer than a figure of one row is high
    bar.set_label(text, rotation=0, ha="left", va="center")
    bar.outline.set_linewidth(0.4)


def _names_width(names):
    return 0.9 + 0.057 * max(len(style.shortened(name)) for name in [*names, "average rank"])
