"""Rows of bars and dots that share their names, as figures of datasets have them."""

import numpy as np

from spclust.plots import style

USUAL, ODD = style.PALETTE[0], style.PALETTE[5]
ROW = 0.15  # inches
MOST_ROWS = 60


def rows(names, panels, height=ROW):
    """A figure with a panel for each of some measures and a row for each name.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    panels : list of str
        What each panel measures, the label of its axis.
    height : float
        Of a row, inches.

    Returns
    -------
    figure, array of axes
    """
    fig = style.figure(style.WIDTH, max(1.3, height * len(names) + 0.75))
    axes = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, label in zip(axes, panels):
        ax.set_xlabel(label)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color=style.BACKGROUND, linewidth=0.5)
        ax.set_axisbelow(True)
    axes[0].set_yticks(range(len(names)), [style.shortened(name) for name in names])
    return fig, axes


def bars(ax, values, odd=False):
    """Bars from 0, the odd ones in another colour."""
    values = np.asarray(values, dtype=float)
    colours = np.where(np.broadcast_to(odd, len(values)), ODD, USUAL)
    ax.barh(range(len(values)), values, 0.7, color=colours)


def dots(ax, values, odd=False):
    """Dots, the odd ones in another colour and form."""
    values = np.asarray(values, dtype=float)
    odd, places = np.broadcast_to(odd, len(values)), np.arange(len(values))
    for chosen, colour, marker in ((~odd, USUAL, "o"), (odd, ODD, "D")):
        ax.scatter(values[chosen], places[chosen], s=11, c=colour, marker=marker, linewidths=0)


def plain_log(axis):
    """Plain numbers on a logarithmic axis, few of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    ratio = high / low
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < 50 else (1,), numticks=5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
