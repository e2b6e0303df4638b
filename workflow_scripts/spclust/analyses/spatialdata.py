"""The exported cells as a store of SpatialData."""

from pathlib import Path

from spclust.io.writers import spatial_store


def analyse(task):
    """Write the task's export anew; see :func:`spatial_store.store`."""
    return {"clustered.zarr": spatial_store.of_export(Path(task.files["export"]))}
