"""The clustered cells as the object that the user's file holds."""

from pathlib import Path

from spclust.data.clusters import read_annotation, read_cluster_names, read_clusters
from spclust.data.values import read_values
from spclust.io.writers import clustered


def analyse(task):
    """Add the task's clusters to the imported cells; see :func:`clustered.add_clusters`."""
    # clusters of other cells than the imported ones are refused, so they are read as they are
    ids = read_clusters(task.files["clusters"]).index
    clusters = read_annotation(Path(task.files["annotation"]) / "annotation.csv", ids)
    cells = clustered.add_clusters(
        task.imported,
        task.labels,
        clusters,
        key=task.about["method"],
        embedding=read_values(task.files["embedding"], ids)[0],
        umap=read_values(Path(task.files["umap"]) / "umap.npz", ids)[0],
        names=read_cluster_names(Path(task.files["names"]) / "cluster_names.csv"),
        additions=task.additions,
        samples=task.samples,
        keep_mudata=task.about["multimodal"],
        scimap=task.settings["scimap"],
    )
    return {f"clustered.{'h5mu' if hasattr(cells, 'mod') else 'h5ad'}": cells}
