"""The one look of all figures: colours, fonts, sizes, file formats."""

import logging
from contextlib import contextmanager
from functools import partial

import numpy as np

from spclust.clustering.colours import PALETTE  # noqa: F401, style.PALETTE for all figures
from spclust.data.atomic import whole_folder

log = logging.getLogger(__name__)

RIGHT, BACKGROUND, INK = "#C8C8C8", "#E4E4E4", "#222222"
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"

WIDTH = 7.1  # inches, two columns of a journal page
DPI = 250
# cells that a panel shows at most, a sample where there are more: it has not many more pixels
MOST_POINTS = 100_000
RC = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titley": 1.0,
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
    "text.parse_math": False,  # names may hold dollars
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

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


@contextmanager
def drawing(folder, pdf=False):
    """Context in which figures get this style; yields ``save(figure, name)`` into the folder.

    The folder is there whole or not at all.

    Parameters
    ----------
    folder : path
    pdf : bool
        See :func:`save`.
    """
    with in_use(), whole_folder(folder) as out:
        yield partial(save, folder=out, pdf=pdf)


def save(fig, name, folder, pdf=False):
    """Write a figure as PNG; the same figure gives the same bytes.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    name : str
    folder : path
    pdf : bool
        As PDF with vector text, too, which takes twice as long as the PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    # `savefig` would go through everything twice, once for the layout alone
    FigureCanvasAgg(fig).print_png(
        folder / f"{name}.png", metadata={"Software": None}, pil_kwargs={"compress_level": 2}
    )
    if pdf:
        fig.savefig(folder / f"{name}.pdf", dpi=DPI, metadata={"CreationDate": None})
    log.info("drew %s", name)


def point_size(n, width, height, filled=0.7):
    """Area (points squared) of ``n`` markers that fill that share of a panel (inches)."""
    n = np.clip(n, 1, MOST_POINTS)
    return float(np.clip(filled * width * height * 72**2 / n, 0.15, 40))


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
    fig.legend(
        handles=dots,
        title=title,
        loc=where,
        ncols=columns,
        alignment="left",
        handletextpad=0.2,
        borderaxespad=0.4,
    )


def legend_width(entries, title):
    """Inches that the legend of these entries takes."""
    return 0.45 + 0.057 * max(len(title), *(len(shortened(text)) for _, text in entries))


def legend_height(entries):
    """Inches that the legend of these entries takes."""
    return 0.35 + 0.137 * len(entries)
