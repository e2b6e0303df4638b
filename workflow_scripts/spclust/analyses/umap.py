"""A map of the cells by what the method learnt of them, or by their features."""

from spclust.neighbours.figure_umap import umap_for_figures


def analyse(task):
    """Two-dimensional UMAP of the task's space; see :func:`umap_for_figures`."""
    values, ids = task.space
    return {"umap.npz": (umap_for_figures(values, task.seed), ids)}
