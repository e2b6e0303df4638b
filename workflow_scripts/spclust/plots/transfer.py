"""Labels that a model of other slices gave: where they lie, what agrees, what looks otherwise."""

import itertools

import numpy as np
import pandas as pd

from spclust.clustering.colours import class_colours
from spclust.clustering.matching import match_labels
from spclust.plots import style
from spclust.plots.maps import Groups, tissue
from spclust.plots.tables import share_heat_map


def draw(folder, cells, labels, clusters, distance, source, own=None, pdf=False):
    """Draw a transfer into a folder.

    Always ``map`` and ``distance``; ``agreement`` where there is something to agree with.

    Parameters
    ----------
    folder : path
    cells : Cells, n of them
    labels : Series, shape (n,)
        Reference labels, missing where a cell is not scored.
    clusters : array of int, shape (n,)
        Given by the model.
    distance : array, shape (n,)
        To the nearest cluster, in units of the model's reach.
    source : Groups
        Clusters and classes of the cells that the model learnt from.
    own : array of int, shape (n,), optional
        Clusters that the same run found on the slice itself.
    pdf : bool
        Each figure as PDF, too.
    """
    # a cluster and a class have the colours of the slices that the model learnt from, and a
    # cluster stands for the class that it stands for there
    own_colours, groups = class_colours(labels), Groups.of(clusters, labels)
    spare = [c for c in style.PALETTE if c not in source.class_colours.values()] or style.PALETTE
    new = zip([c for c in own_colours if c not in source.class_colours], itertools.cycle(spare))
    groups.cluster_colours |= source.cluster_colours
    groups.matched = source.matched
    groups.class_colours = {c: source.class_colours.get(c) for c in own_colours} | dict(new)
    everywhere = np.ones(len(cells), dtype=bool)
    panels = [("clusters of the model", groups.colour_of_cells(), everywhere)]
    if groups.matched:
        panels.append(("labels", groups.colour_of_labels(), everywhere))
    with style.drawing(folder, pdf) as save:
        if cells.placed.all():
            save(tissue(cells, panels, groups.entries(), groups.title())[0], "map")
        save(distances(distance), "distance")
        if own is not None:
            save(agreement(clusters, own, "cluster of the run here"), "agreement")
        elif labels.notna().any():
            scored = labels.notna().to_numpy()
            save(agreement(clusters[scored], labels[scored].to_numpy(), "class"), "agreement")


def agreement(clusters, others, what):
    """Clusters of the model (columns) in those found otherwise (rows), matched ones first."""
    counts = pd.crosstab(others, clusters)
    size = max(counts.shape)
    codes = np.unique(clusters, return_inverse=True)[1]
    rows = np.unique(others, return_inverse=True)[1]
    row_of = match_labels(codes, rows, size)[: counts.shape[1]]
    order = np.argsort(row_of, kind="stable")
    fig, ax = share_heat_map(counts.iloc[:, order], f"share of the {what}")
    ax.set_xlabel("cluster of the model")
    ax.set_ylabel(what)
    return fig


def distances(distance):
    """Histogram of the distance to the nearest cluster; the model's own cells end at 1."""
    fig = style.figure(3.6, 2.0)
    ax = fig.subplots()
    highest = max(1.5, float(np.quantile(distance, 0.995)))
    ax.hist(np.clip(distance, 0, highest), bins=60, color=style.PALETTE[0])
    ax.axvline(1, color=style.INK, linewidth=0.8, linestyle="--")
    ax.set_title(f"{(distance > 1).mean():.1%} beyond the reach of 99 % of the cells learnt from")
    ax.set_xlabel("distance to the nearest cluster, in units of that reach")
    ax.set_ylabel("cells")
    return fig
