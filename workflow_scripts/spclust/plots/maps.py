"""Cells as points: what figures in the UMAP and in the tissue have in common."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spclust.clustering.colours import class_colours, cluster_colours
from spclust.clustering.matching import match_clusters
from spclust.plots import style

MOST_IMAGES = 9


@dataclass
class Groups:
    """Clusters and classes of the cells with their colours.

    Attributes
    ----------
    clusters : array, shape (n,)
    labels : Series, shape (n,)
        Missing where a cell is not scored.
    matched : dict
        Cluster to the class it stands for.
    cluster_colours, class_colours : dict
    names : dict
        Cluster to the name proposed for it, shown where there are no labels to match.
    """

    clusters: np.ndarray
    labels: pd.Series
    matched: dict
    cluster_colours: dict
    class_colours: dict
    names: dict = field(default_factory=dict)

    @classmethod
    def of(cls, clusters, labels, names=None):
        return cls(
            clusters,
            labels,
            match_clusters(clusters, labels),
            cluster_colours(clusters, labels),
            class_colours(labels),
            names or {},
        )

    @property
    def ids(self):
        """Occupied clusters."""
        return np.unique(self.clusters).tolist()

    def name(self, cluster):
        """Cluster with the class it stands for, of cells without labels with its proposed name."""
        said = (self.matched or self.names).get(cluster)
        return f"{cluster}" if said is None else f"{cluster} · {said}"

    def entries(self):
        """Legend entries: every cluster, then classes that no cluster stands for."""
        left = [c for c in self.class_colours if c not in self.matched.values()]
        entries = [(self.cluster_colours[i], self.name(i)) for i in self.ids]
        return entries + [(self.class_colours[c], f"– · {c}") for c in left]

    def title(self):
        if self.matched:
            return "cluster · class"
        return "cluster · proposed name" if self.names else "cluster"

    def colour_of_cells(self):
        return np.array([self.cluster_colours[c] for c in self.clusters.tolist()])

    def colour_of_labels(self):
        return np.array([self.class_colours.get(c, style.BACKGROUND) for c in self.labels])


def points(ax, xy, colours, size, **kwargs):
    """Scatter in a random but fixed order, so that no group hides another; greys below.

    Of more than 100,000 a sample.
    """
    order = np.random.default_rng(0).permutation(len(xy))[: style.MOST_POINTS]
    if colours.dtype.kind == "U":
        grey = np.isin(colours, [style.RIGHT, style.BACKGROUND])
        order = order[np.argsort(~grey[order], kind="stable")]
    ax.set_aspect("equal", anchor="N")
    ax.axis("off")
    return ax.scatter(
        *xy[order].T, c=colours[order], s=size, linewidths=0, rasterized=True, **kwargs
    )


def aspect_of(panels):
    """Height over width of typical panels of coordinates."""
    extents = [np.ptp(xy, axis=0) for xy in panels]
    return float(np.clip(np.median([h / w if w > 0 else 1.0 for w, h in extents]), 0.3, 2.5))


def scale_bar(ax, xy, unit):
    """A bar of a round length, a quarter of the panel at most, and its length beside it.

    Parameters
    ----------
    ax : Axes
    xy : array, shape (n, 2)
        What the panel shows.
    unit : str or None
        Of ``xy``; nothing is drawn where it is not known.
    """
    left, width = xy[:, 0].min(), np.ptp(xy[:, 0])
    if unit is None or not width > 0:
        return
    size = 10.0 ** np.floor(np.log10(width / 4))
    length = max(step * size for step in (1, 2, 5) if step * size <= width / 4)
    along = {"transform": ax.get_xaxis_transform(), "clip_on": False}
    ax.plot([left, left + length], [-0.02, -0.02], color=style.INK, linewidth=1.2, **along)
    place = (left + length + 0.02 * width, -0.02)
    ax.text(*place, f"{length:g} {unit}", fontsize=6, va="center", **along)


def images_of(cells):
    """Slice, name, number of cells and title of each image, in the order they are drawn.

    Returns
    -------
    DataFrame
        ``slice``, ``image``, ``cells``, ``title`` (list of lines, none of a single image).
    """
    table = pd.DataFrame({"slice": cells.slice, "image": cells.image})
    table["order"] = pd.factorize(cells.slice)[0]
    table = table.groupby(["order", "slice", "image"]).size().reset_index(name="cells")
    several = table["slice"].nunique() > 1
    alone = table.groupby("slice")["image"].transform("size") == 1
    titles = []
    for slice_, image, only in zip(table["slice"], table["image"], alone):
        # a cohort names its images <slice>_<image>
        own = image.removeprefix(f"{slice_}_") if several else image
        titles.append([slice_] * several + [own] * (not only))
    return table.assign(title=titles)


def tissue(
    cells, panels, entries=(), title=None, filled=0.7, most=MOST_IMAGES, columns=None, **kwargs
):
    """Maps of the images, with one legend.

    Parameters
    ----------
    cells : Cells
    panels : list of (str, array (n,), array of bool (n,))
        Title, colours and the cells drawn, for each panel of an image.
    entries, title
        Of the legend.
    filled : float
        Share of the tissue that the points cover.
    most : int
        Images drawn: those with most cells, each slice's largest before any slice's second.
    columns : int, optional
        Panels side by side, at most.

    Returns
    -------
    figure
    points
        Those of the last panel.
    """
    images = images_of(cells)
    place = images.groupby("slice")["cells"].rank("first", ascending=False)
    chosen = images.assign(place=place).sort_values(["place", "cells"], ascending=[True, False])
    shown = chosen.head(most).sort_index()
    xy = np.asarray(cells.coordinates, dtype=float)
    aspect = aspect_of([xy[cells.image == i] for i in shown["image"]])
    n_panels = len(shown) * len(panels)
    space = style.legend_width(entries, title) if entries else 0.7

    columns = columns or {1: 3, 2: 2 if len(shown) <= 3 else 4}[len(panels)]
    columns = min(n_panels, columns)
    rows = -(-n_panels // columns)
    width = min((style.WIDTH - space) / columns, 4.2)
    # a tall stack of panels still fits on a page
    width *= min(1.0, 9.0 / (rows * width * aspect + 0.2 * rows))
    height = rows * (width * aspect + 0.22) + 0.25
    fig = style.figure(columns * width + space, max(height, style.legend_height(entries)))
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[n_panels:]:
        ax.axis("off")
    for i, image in enumerate(shown.itertuples()):
        for j, (panel, colours, drawn) in enumerate(panels):
            ax = axes[i * len(panels) + j]
            here = (cells.image == image.image) & drawn
            size = style.point_size(image.cells, width, width * aspect, filled)
            drawn_points = points(ax, xy[here], colours[here], size, **kwargs)
            ax.invert_yaxis()
            scale_bar(ax, xy[here], cells.unit)
            parts = [style.shortened(text, 24) for text in image.title]
            ax.set_title("\n".join(parts + [panel] if panel else parts))
    if len(images) > most:
        fig.suptitle(f"the {most} largest of {len(images)} images", x=0.01, ha="left")
    if entries:
        style.legend(fig, entries, title)
    return fig, drawn_points
