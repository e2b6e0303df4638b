"""What each cell is called: the type of its cluster, or in a word why it has none."""

import logging
from pathlib import Path

from spclust.clustering.colours import cluster_colours, name_colours
from spclust.data.clusters import NO_TYPE, OUTLIER, UNKNOWN, UNSURE, read_cluster_names
from spclust.io.rows import read_rows
from spclust.io.writers import qupath

log = logging.getLogger(__name__)


def analyse(task):
    """Name every cell of the task; see :func:`annotate`."""
    names = read_cluster_names(Path(task.files["names"]) / "cluster_names.csv")
    table = annotate(task.clusters, names, task.settings["unsure_below"])
    files = {"annotation.csv": table.rename_axis("cell").reset_index()}
    rows = read_rows(task.files["rows"]).dropna(subset="cell").set_index("cell").loc[table.index]
    if qupath.are_of_qupath(rows["id"]):
        colours = cluster_colours(table["cluster"].to_numpy(), task.labels)
        colours = name_colours(table["name"], table["cluster"], colours, NO_TYPE)
        files |= qupath.files(rows, table["name"], colours, task.settings["pixel_size"])
    return files


def annotate(clusters, names, unsure_below):
    """What each cell is called.

    Parameters
    ----------
    clusters : DataFrame, shape (n, 2)
        ``cluster``, negative where a cell is in none, and ``confidence``, indexed by cell.
    names : DataFrame
        What :func:`spclust.analyses.names.name_clusters` returned.
    unsure_below : float
        Confidence below which a cell is called unsure.

    Returns
    -------
    DataFrame, shape (n, 3)
        ``cluster``, ``name`` and ``confidence``, indexed by cell.
    """
    name = clusters["cluster"].map(called(names))
    unsure = clusters["confidence"].to_numpy() < unsure_below
    if unsure.mean() > 0.5:
        log.warning(
            "%d of %d cells have a confidence below %g: this method's is of another kind, and no "
            "cell is called unsure by it; choose an `unsure_below` that suits it",
            unsure.sum(),
            len(unsure),
            unsure_below,
        )
        unsure[:] = False
    name = name.mask(unsure, UNSURE).mask(clusters["cluster"] < 0, OUTLIER)
    for word in (UNSURE, OUTLIER):
        log.info("%d of %d cells are called %s", (name == word).sum(), len(name), word)
    return clusters.assign(name=name)[["cluster", "name", "confidence"]]


def called(names):
    """What the cells of each cluster are called.

    Parameters
    ----------
    names : DataFrame
        What :func:`spclust.analyses.names.name_clusters` returned.

    Returns
    -------
    dict of int to str
        The type or, where there is none, ``unknown`` with what the cluster has most of.
    """
    seen = names["markers"].fillna("").map(lambda markers: f"{UNKNOWN} ({markers})" * bool(markers))
    words = names["type"].where(names["type"].notna(), seen.replace("", UNKNOWN))
    return dict(zip(names["cluster"], words))
