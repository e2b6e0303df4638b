"""Cells as points: in the UMAP and in the tissue."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from spclust import style
from spclust.contracts import IMAGE, PSEUDOLABEL, SPATIAL, SYNTHETIC
from spclust.metrics import labels_of, match_clusters

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
    """

    clusters: np.ndarray
    labels: pd.Series
    matched: dict
    cluster_colours: dict
    class_colours: dict

    @classmethod
    def of(cls, cells, clusters):
        labels = labels_of(cells)
        return cls(
            clusters,
            labels,
            match_clusters(clusters, labels),
            style.cluster_colours(clusters, labels),
            style.class_colours(labels),
        )

    @property
    def ids(self):
        """Occupied clusters."""
        return np.unique(self.clusters).tolist()

    def name(self, cluster):
        """Cluster with the class it stands for."""
        matched = self.matched.get(cluster)
        return f"{cluster}" if matched is None else f"{cluster} · {matched}"

    def entries(self):
        """Legend entries: every cluster, then classes that no cluster stands for."""
        left = [c for c in self.class_colours if c not in self.matched.values()]
        entries = [(self.cluster_colours[i], self.name(i)) for i in self.ids]
        return entries + [(self.class_colours[c], f"– · {c}") for c in left]

    def title(self):
        return "cluster · class" if self.matched else "cluster"

    def colour_of_cells(self):
        return np.array([self.cluster_colours[c] for c in self.clusters.tolist()])

    def colour_of_labels(self):
        return np.array([self.class_colours.get(c, style.BACKGROUND) for c in self.labels])


def _points(ax, xy, colours, size, **kwargs):
    """Scatter in a random but fixed order, so that no group hides another; greys below."""
    order = np.random.default_rng(0).permutation(len(xy))
    if colours.dtype.kind == "U":
        grey = np.isin(colours, [style.RIGHT, style.BACKGROUND])
        order = order[np.argsort(~grey[order], kind="stable")]
    ax.set_aspect("equal", anchor="N")
    ax.axis("off")
    return ax.scatter(*xy[order].T, c=colours[order], s=size, linewidths=0,
                      rasterized=True, **kwargs)  # fmt: skip


def umap(cells, groups, xy):
    """UMAP by cluster, with cluster numbers, by class and by image."""
    images = cells.obs[IMAGE].astype(str)
    names = sorted(images.unique())
    panels = {"clusters": groups.colour_of_cells()}
    if groups.matched:
        panels["labels"] = groups.colour_of_labels()
    if len(names) > 1:
        # from the other end, not to look like clusters
        of_image = dict(zip(names, itertools.cycle(reversed(style.PALETTE))))
        panels[f"images ({len(names)})"] = np.array([of_image[i] for i in images])
    entries = groups.entries()
    space = style.legend_width(entries, groups.title())
    width = min((style.WIDTH - space) / len(panels), 3.4)
    height = width * _aspect([xy])
    named = 1 < len(names) <= 12
    fig = style.figure(
        width * len(panels) + space,
        max(height + 0.25 + 0.7 * named, style.legend_height(entries)),
    )
    size = style.point_size(len(xy), width, height, filled=0.35)
    for ax, (title, colours) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        _points(ax, xy, colours, size)
        ax.set_title(title)
        if title == "clusters":
            for cluster in groups.ids:
                x, y = np.median(xy[groups.clusters == cluster], axis=0)
                ax.text(x, y, str(cluster), ha="center", va="center", weight="bold",
                        path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip
    style.legend(fig, entries, groups.title())
    if named:
        entries = [(of_image[n], n) for n in names]
        style.legend(fig, entries, "image", "outside lower left", columns=min(4, len(names)))
    return fig


def _aspect(panels):
    """Height over width of typical panels of coordinates."""
    extents = [np.ptp(xy, axis=0) for xy in panels]
    return float(np.clip(np.median([h / w if w > 0 else 1.0 for w, h in extents]), 0.3, 2.5))


def _tissue(cells, panels, entries=(), title=None, filled=0.7, **kwargs):
    """Maps of the images, with one legend.

    Parameters
    ----------
    panels : list of (str, array (n,), array of bool (n,))
        Title, colours and the cells drawn, for each panel of an image.
    """
    images = cells.obs[IMAGE].astype(str)
    sizes = images.value_counts()
    shown = sorted(sizes.sort_index().nlargest(MOST_IMAGES).index)
    xy = np.asarray(cells.obsm[SPATIAL], dtype=float)
    aspect = _aspect([xy[images == i] for i in shown])
    n_panels = len(shown) * len(panels)
    columns = min(n_panels, {1: 3, 2: 2 if len(shown) <= 3 else 4}[len(panels)])
    rows = -(-n_panels // columns)
    space = style.legend_width(entries, title) if entries else 0.7
    width = min((style.WIDTH - space) / columns, 4.2)
    # a tall stack of panels still fits on a page
    width *= min(1.0, 9.0 / (rows * width * aspect + 0.2 * rows))
    height = rows * (width * aspect + 0.22) + 0.25
    fig = style.figure(columns * width + space, max(height, style.legend_height(entries)))
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[n_panels:]:
        ax.axis("off")
    for i, image in enumerate(shown):
        for j, (panel, colours, drawn) in enumerate(panels):
            ax = axes[i * len(panels) + j]
            here = ((images == image) & drawn).to_numpy()
            size = style.point_size(sizes[image], width, width * aspect, filled)
            points = _points(ax, xy[here], colours[here], size, **kwargs)
            ax.invert_yaxis()
            parts = [style.shortened(image, 24)] if len(sizes) > 1 else []
            ax.set_title("\n".join(parts + [panel] if panel else parts))
    if len(sizes) > MOST_IMAGES:
        title_all = f"the {MOST_IMAGES} largest of {len(sizes)} images"
        fig.suptitle(title_all, x=0.01, ha="left")
    if entries:
        style.legend(fig, entries, title)
    return fig, points


def clusters_and_labels(cells, groups):
    """Tissue by cluster and by class; cells that are not scored are light grey."""
    everywhere = np.ones(cells.n_obs, dtype=bool)
    panels = [("clusters", groups.colour_of_cells(), everywhere)]
    if groups.matched:
        panels.append(("labels", groups.colour_of_labels(), everywhere))
    return _tissue(cells, panels, groups.entries(), groups.title())[0]


def errors(cells, groups):
    """Cells in the cluster of their class are grey, the others have the colour of their class."""
    found = pd.Series([groups.matched.get(c) for c in groups.clusters.tolist()], dtype=object)
    right = found.to_numpy() == groups.labels.to_numpy()
    scored = groups.labels.notna().to_numpy()
    colours = np.where(right, style.RIGHT, groups.colour_of_labels())
    wrong = groups.labels[scored & ~right].value_counts()
    entries = [(style.RIGHT, f"right ({right[scored].sum():,})")]
    for name, colour in groups.class_colours.items():
        entries.append((colour, f"{style.shortened(name, 20)} ({wrong.get(name, 0):,})"))
    title = f"{right[scored].mean():.1%} right; wrong by class"
    return _tissue(cells, [("", colours, scored)], entries, title)[0]


def confidence(cells, values):
    """Tissue by the confidence of each cell."""
    low, high = np.quantile(values, [0.01, 0.99])
    if low == high:
        low, high = values.min(), values.max()
    everywhere = np.ones(cells.n_obs, dtype=bool)
    fig, points = _tissue(cells, [("", values, everywhere)], cmap=style.SEQUENTIAL, vmin=low,
                          vmax=high)  # fmt: skip
    bar = fig.colorbar(points, ax=fig.axes, shrink=0.6, aspect=25, pad=0.02, extend="both",
                       panchor=False)  # fmt: skip
    bar.set_label("confidence")
    bar.outline.set_visible(False)
    return fig


def synthetic(balanced, groups):
    """Tissue with original cells grey, synthetic ones in the colour of their pseudo-label.

    A pseudo-label has the colour of the cluster that it overlaps most.
    """
    made = balanced.obs[SYNTHETIC].to_numpy(dtype=bool)
    pseudolabels = balanced.obs[PSEUDOLABEL].to_numpy()
    colours = style.matched_colours(
        pseudolabels, np.r_[groups.clusters.astype(object), np.full(made.sum(), None)],
        groups.cluster_colours,
    )  # fmt: skip
    of_cell = np.array([colours[p] for p in pseudolabels.tolist()])
    of_cell[~made] = style.BACKGROUND
    entries = [(style.BACKGROUND, f"original ({(~made).sum():,})")]
    for label in np.unique(pseudolabels).tolist():
        entries.append((colours[label], f"{label} (+{(made & (pseudolabels == label)).sum():,})"))
    everywhere = np.ones(balanced.n_obs, dtype=bool)
    return _tissue(balanced, [("", of_cell, everywhere)], entries, "synthetic, pseudo-label")[0]
