"""UMAP by the type of each cell."""

from spclust.plots import style
from spclust.plots.maps import aspect_of, points

CAPTION = "UMAP of the cells by the type of each; colours as in the tissue (figure types)."
NEEDS = ("analyses.types", "cell_types", "umap")


def draw(run):
    (colours, entries), xy = run.cell_types, run.umap
    space = style.legend_width(entries, "type (cells)")
    width = min(style.WIDTH - space, 3.4)
    height = width * aspect_of([xy])
    fig = style.figure(width + space, max(height + 0.25, style.legend_height(entries)))
    points(fig.subplots(), xy, colours, style.point_size(len(xy), width, height, filled=0.35))
    style.legend(fig, entries, "type (cells)")
    return fig
