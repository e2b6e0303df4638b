"""The figure of a study: a panel for each part, bars or lines by what varies."""

import itertools
import math

import numpy as np

from spclust.plots import style

BARS, MOST_COLUMNS = 40, 3  # of a row of panels
LETTERS = 100  # of names below a row of panels, side by side
PAPER = {"color": style.INK, "linestyle": "", "markersize": 3.4, "zorder": 4, "clip_on": False}


def draw(folder, table, facts, pdf=False):
    """Draw a study into a folder.

    Rows called by texts are bars, grouped by score; rows called by numbers are places on an
    axis, a line for each score, with panels for each slice. Where the study is of one score,
    slices take the place of scores. Whiskers are standard deviations over seeds; what the paper
    printed is a diamond.

    Parameters
    ----------
    folder : path
    table : DataFrame
        Of :func:`spclust.comparison.study.tabulate`.
    facts : dict
        Of :func:`spclust.comparison.study_plan.facts`.
    pdf : bool
        The figure as PDF, too.
    """
    with style.drawing(folder, pdf) as save:
        save(figure(table, facts), "study")


def figure(table, facts):
    """A row of panels for each dataset, or one for all of them where there is one score."""
    one, parts = facts.get("score"), facts["parts"]
    table = table[table["metric"] == one] if one else table
    by = "dataset" if one else "metric"
    # what a panel's groups or lines are of, and whose panels there are
    inside, datasets = table[by].unique(), [None] if one else table["dataset"].unique()
    numeric = [not any(isinstance(label, str) for _, label in rows) for *_, rows in parts]
    of_panel = max(len(inside) * len(rows) for *_, rows in parts)
    columns = len(parts) if all(numeric) else max(1, min(len(parts), BARS * 2 // of_panel))
    columns = min(columns, MOST_COLUMNS)
    rows = math.ceil(len(parts) / columns) * len(datasets)
    labels = [label for (*_, part), lines in zip(parts, numeric) if not lines for _, label in part]
    colours = dict(zip(dict.fromkeys(labels), itertools.cycle(style.PALETTE)))
    lines = dict(zip(inside, itertools.cycle(style.PALETTE))) if any(numeric) else {}
    entries = [(colour, name) for name, colour in (colours | lines).items()]
    wide = min(4, len(entries))
    fig = style.figure(style.WIDTH, 1.75 * rows + 0.17 * math.ceil(len(entries) / wide) + 0.5)
    panels = fig.subplots(
        rows, columns, squeeze=False, sharey=bool(one) or not any(numeric)
    ).ravel()
    for ax in panels:
        ax.axis("off")
    per_dataset = len(panels) // len(datasets)
    for i, dataset in enumerate(datasets):
        for j, (title, axis, _) in enumerate(parts):
            ax = panels[i * per_dataset + j]
            part = table[table["part"] == j]
            part = part if one else part[part["dataset"] == dataset]
            if part.empty:  # runs that are kept to other slices
                continue
            ax.axis("on")
            if numeric[j]:
                _lines(ax, part, by, lines)
            else:
                _bars(ax, part, by, inside, colours)
                ax.set_xticks(range(len(inside)), fitting(inside, LETTERS / columns))
            ax.set_title(" · ".join(text for text in (title, _name(dataset, datasets)) if text))
            ax.set_xlabel(axis if numeric[j] else "")
            ax.grid(axis="y", color=style.BACKGROUND, linewidth=0.5)
            ax.set_axisbelow(True)
    for ax in panels[::columns]:
        ax.set_ylabel(one or "score")
    style.legend(fig, entries, None, "outside lower left", columns=wide)
    published = ", the paper's numbers as diamonds" if table["paper"].notna().any() else ""
    fig.suptitle(f"{facts['title']}{published}", x=0.01, ha="left", weight="bold")
    return fig


def _name(dataset, datasets):
    return dataset if len(datasets) > 1 else ""


def fitting(names, letters):
    """Names that stand side by side in so many letters, broken at the underscores if need be."""
    broken = max(map(len, names)) > letters / len(names) - 2
    return [name.replace("_", "_\n") for name in names] if broken else list(names)


def _bars(ax, part, by, groups, colours):
    """A group of bars for each score or dataset, empty where there is none; a bar for each row."""
    runs = part["run"].unique()
    width = 0.84 / len(runs)
    for i, run in enumerate(runs):
        rows = part[part["run"] == run].set_index(by).reindex(groups)
        x = np.arange(len(groups)) + (i - (len(runs) - 1) / 2) * width
        colour = colours[rows["label"].dropna().iloc[0]]
        ax.bar(
            x,
            rows["mean"],
            width * 0.92,
            color=colour,
            yerr=rows["sd"].fillna(0),
            error_kw={"linewidth": 0.6},
        )
        ax.plot(x, rows["paper"], marker="D", markerfacecolor="white", **PAPER)
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.tick_params(axis="x", length=0)


def _lines(ax, part, by, colours):
    """A line for each score or dataset over the numbers that rows are called by."""
    for name, rows in part.groupby(by, sort=False):
        x = rows["label"].astype(float)
        ax.errorbar(
            x,
            rows["mean"],
            rows["sd"].fillna(0),
            color=colours[name],
            marker="o",
            markersize=2.6,
            elinewidth=0.6,
        )
        shown = PAPER | {"color": colours[name]}
        ax.plot(x, rows["paper"], marker="D", markerfacecolor="white", **shown)
