"""The one look of all figures: colours, fonts, sizes, file formats."""

import itertools
import logging

import numpy as np
import pandas as pd

from spclust.metrics import match_clusters

log = logging.getLogger(__name__)

# The first six are Okabe and Ito's. The others were chosen one by one, each the farthest from
# all before it as seen with normal and with each kind of colour-deficient sight (OKLab distance,
# Machado's simulation), away from the greys that mean "right" and "not scored". No set of 32 is
# safe by colour alone: cluster numbers are written into the UMAP too.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#870F2D", "#4B3C78",
    "#A569FF", "#003CC3", "#87F069", "#964B1E", "#96C387", "#875A78", "#784BE1", "#FF78D2",
    "#C32DA5", "#B4C3FF", "#D20F4B", "#FF4B5A", "#3C694B", "#8778D2", "#8796FF", "#E1C300",
    "#781E5A", "#D296A5", "#694B78", "#F0A5C3", "#690096", "#0FB478", "#B4E1A5", "#F0781E",
)  # fmt: skip
RIGHT, BACKGROUND, INK = "#C8C8C8", "#E4E4E4", "#222222"
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"

WIDTH = 7.1  # inches, two columns of a journal page
DPI = 250
RC = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "figure.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.0,
    # text stays text in vector files, and can be edited
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
}


def in_use():
    """Context in which figures get this style."""
    import matplotlib

    return matplotlib.rc_context(RC)


def figure(width, height):
    """A figure (inches) that keeps panels, legends and titles apart.

    Made without pyplot: nothing global, no display.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(fig, folder, name):
    """Write a figure as PNG and as PDF with vector text; the same figure gives the same bytes."""
    fig.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
    fig.savefig(folder / f"{name}.pdf", dpi=DPI, metadata={"CreationDate": None})
    log.info("drew %s", name)


def class_colours(labels):
    """Colour of each class, by the order of their names: the same in every run of a slice."""
    names = sorted(set(pd.Series(np.asarray(labels, dtype=object)).dropna()), key=str)
    return dict(zip(names, itertools.cycle(PALETTE)))


def cluster_colours(clusters, labels=None):
    """Colour of each cluster.

    Parameters
    ----------
    clusters : array, shape (n,)
    labels : array-like, shape (n,), optional
        Classes, missing where a cell is not scored.

    Returns
    -------
    dict
        Cluster to hex colour: that of the class it matches, and unused colours for the rest.
    """
    if labels is None:
        labels = np.full(len(clusters), None, dtype=object)
    return matched_colours(clusters, labels, class_colours(labels))


def matched_colours(groups, reference, colours):
    """Colours of groups after those of the groups they match in ``reference``."""
    matched = match_clusters(groups, reference)
    spare = [c for c in PALETTE if c not in colours.values()] or PALETTE
    rest = [g for g in np.unique(groups).tolist() if g not in matched]
    return dict(zip(rest, itertools.cycle(spare))) | {g: colours[m] for g, m in matched.items()}


def point_size(n, width, height, filled=0.7):
    """Area (points squared) of ``n`` markers that fill that share of a panel (inches)."""
    return float(np.clip(filled * width * height * 72**2 / max(n, 1), 0.15, 40))


def shortened(text, length=30):
    """A name cut in its middle to what fits; names of a kind often differ at their ends."""
    text = str(text)
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[: length - 1 - half]}…{text[-half:]}"


def legend(fig, entries, title, where="outside right upper", columns=1):
    """A legend of coloured dots outside the panels; ``entries`` are (colour, text)."""
    from matplotlib.lines import Line2D

    dots = [
        Line2D(
            [], [], marker="o", linestyle="", markersize=4.5, color=colour, label=shortened(text)
        )
        for colour, text in entries
    ]
    fig.legend(handles=dots, title=title, loc=where, ncols=columns, alignment="left",
               handletextpad=0.2, borderaxespad=0.4)  # fmt: skip


def legend_width(entries, title):
    """Inches that the legend of these entries takes."""
    return 0.45 + 0.057 * max(len(title), *(len(shortened(text)) for _, text in entries))


def legend_height(entries):
    """Inches that the legend of these entries takes."""
    return 0.35 + 0.137 * len(entries)
