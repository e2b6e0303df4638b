"""Every figure of one run, and of all runs together."""

import logging
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from spclust import style
from spclust.plots import maps, summary, tables

log = logging.getLogger(__name__)


@contextmanager
def whole_folder(folder):
    """Yield a temporary folder that replaces ``folder`` when the body succeeds."""
    folder = Path(folder)
    temporary = folder.with_name(f".part-{os.getpid()}-{folder.name}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def plot_run(folder, cells, clusters, umap, markers, balanced=None, history=None):
    """Draw one run into a folder, each figure as PNG and PDF.

    Always ``umap``, ``map``, ``confidence``, ``markers``; with labels ``errors`` and
    ``confusion``; with their inputs ``synthetic``, ``training`` and ``importance``. In maps
    the y axis points down, as in microscopy images.

    Parameters
    ----------
    folder : path
    cells : AnnData, (n, d)
        Prepared cells.
    clusters : DataFrame
        ``cluster`` and ``confidence``, indexed by cell id.
    umap : array, shape (n, 2)
    markers : DataFrame
        What :func:`spclust.markers.rank` returns.
    balanced : AnnData, optional
        Original and synthetic cells.
    history : DataFrame, optional
        ``phase``, ``epoch`` and a column per quantity.
    """
    clusters = clusters.loc[cells.obs_names]
    groups = maps.Groups.of(cells, clusters["cluster"].to_numpy())
    with style.in_use(), whole_folder(folder) as out:
        style.save(maps.umap(cells, groups, umap), out, "umap")
        style.save(maps.clusters_and_labels(cells, groups), out, "map")
        confidence = clusters["confidence"].to_numpy()
        if confidence.min() < confidence.max():
            style.save(maps.confidence(cells, confidence), out, "confidence")
        else:
            log.info("all cells have the confidence %s: no map of it", confidence.min())
        style.save(tables.marker_heat_map(markers, groups, "mean_in"), out, "markers")
        if markers["importance"].notna().any():
            style.save(tables.marker_heat_map(markers, groups, "importance"), out, "importance")
        if groups.labels.notna().any():
            style.save(maps.errors(cells, groups), out, "errors")
            style.save(tables.confusion(groups), out, "confusion")
        if balanced is not None and balanced.obs["synthetic"].any():
            style.save(maps.synthetic(balanced, groups), out, "synthetic")
        if history is not None:
            style.save(tables.training(history), out, "training")


def plot_summary(folder, long, controls=()):
    """Draw the comparison of all runs into a folder: a table and a figure for each slice.

    Parameters
    ----------
    folder : path
    long : DataFrame
        What :func:`spclust.metrics.collect` returns.
    controls : list of str
        Methods that are no competitors.
    """
    with style.in_use(), whole_folder(folder) as out:
        for dataset, rows in long.groupby("dataset", sort=False):
            style.save(summary.table(rows, dataset, controls), out, f"table_{dataset}")
            style.save(summary.dots(rows, dataset, controls), out, f"metrics_{dataset}")
