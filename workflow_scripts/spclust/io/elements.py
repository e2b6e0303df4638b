"""Places of cells by the shapes, points or labels of a SpatialData store, without its package."""

import logging

import numpy as np
import pandas as pd

from spclust.errors import UserError
from spclust.io import containers, hdf5, tables

log = logging.getLogger(__name__)

ATTRIBUTES = "spatialdata_attrs"  # of uns: which element the cells of a table are
KINDS = ("shapes", "points", "labels")
ROWS = 2048  # of an image of labels that are looked at together


def centres(root, data, named, source):
    """Where the cells of a table lie: at the centres of what they are in the store.

    Parameters
    ----------
    root : Path
        The store.
    data : AnnData
        Its table.
    named : str or None
        An element; left out, those that the table says it annotates.
    source : str
        For messages.

    Returns
    -------
    array of float, shape (n, 2), or None
        In the element's own coordinates; NaN for cells that are not there, None if none is.

    Raises
    ------
    UserError
        When there is no such element, or no cell is in it.
    """
    about = data.uns[ATTRIBUTES]
    region = np.array(data.obs[about["region_key"]].astype(str).tolist(), dtype=object)
    instance = data.obs[about["instance_key"]].to_numpy()
    found = {at.name: at for kind in KINDS for at in sorted((root / kind).glob("*")) if at.is_dir()}
    if named is not None:
        tables.require(named, found, "spatial_key", f"{source}, obsm and elements", "key")
        region[:] = named
    places = np.full((data.n_obs, 2), np.nan)
    for name in pd.unique(region):
        if name not in found:
            log.warning("%s: the element %r, of which its cells are, is not there", source, name)
            continue
        of_element = hdf5.whole(found[name], _centres)
        own = region == name
        rows = of_element.index.get_indexer(instance[own])
        if (rows < 0).all():  # numbers in one, text in the other
            rows = of_element.index.astype(str).get_indexer(instance[own].astype(str))
        if (rows < 0).all():
            raise UserError(
                f"{source}: no cell is in the {found[name].parent.name} {name!r} by "
                f"{about['instance_key']!r}: {', '.join(map(str, instance[own][:3]))} against "
                f"{', '.join(map(str, of_element.index[:3]))}; name another as  spatial_key:  of "
                f"the dataset. There are: {', '.join(found)}"
            )
        places[own] = np.where(rows[:, None] >= 0, of_element.to_numpy()[rows], np.nan)
        log.warning(
            "%s: cells lie at the centres of the %s %r, in its own coordinates; another element "
            "is named by  spatial_key:",
            source,
            found[name].parent.name,
            name,
        )
    return places if np.isfinite(places).any() else None


def _centres(element):
    """Centre of each instance of an element, as columns x and y."""
    if element.parent.name == "labels":
        return _of_labels(element)
    path = element / f"{element.parent.name}.parquet"
    if not path.exists():
        raise UserError(
            f"{element}: an old version of SpatialData wrote it; write the store again, by  "
            "spatialdata.read_zarr(old).write(new)"
        )
    containers.need("pyarrow", path, "parquet")
    if element.parent.name == "points":
        return pd.read_parquet(path, columns=["x", "y"], use_threads=False)
    containers.need("shapely", path, "shapes")
    import shapely

    geometry = pd.read_parquet(path, columns=["geometry"], use_threads=False)["geometry"]
    at = shapely.centroid(shapely.from_wkb(geometry.to_numpy()))
    return pd.DataFrame({"x": shapely.get_x(at), "y": shapely.get_y(at)}, index=geometry.index)


def _of_labels(element):
    """Centres of the labels of an image of two dimensions, at its full size."""
    import zarr

    group = zarr.open_group(element, mode="r")
    scales = group.attrs.get("ome", group.attrs)["multiscales"][0]["datasets"]
    image = group[scales[0]["path"]]
    if image.ndim != 2:
        raise UserError(
            f"{element}: labels of {image.ndim} dimensions are not read, but of y and x; name "
            "shapes as  spatial_key:  of the dataset"
        )
    parts = []
    for top in range(0, image.shape[0], ROWS):
        labels = image[top : top + ROWS]
        y, x = np.nonzero(labels)
        label, where, n = np.unique(labels[y, x], return_inverse=True, return_counts=True)
        sums = {"x": np.bincount(where, x + 0.5), "y": np.bincount(where, y + top + 0.5), "n": n}
        parts.append(pd.DataFrame(sums, index=label))
    whole = pd.concat(parts).groupby(level=0).sum()
    return whole[["x", "y"]].div(whole["n"], axis=0)
