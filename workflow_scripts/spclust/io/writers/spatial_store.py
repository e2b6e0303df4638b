"""Clustered cells as SpatialData: a table of each modality, a circle for each cell."""

import logging

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from spclust.data.cell_files import IMAGE, SPATIAL
from spclust.errors import UserError
from spclust.io.writers.clustered import put

log = logging.getLogger(__name__)

# columns of obs that say which circle each row is of
REGION, INSTANCE = "region", "instance_id"


def load_package():
    """The package, which only this analysis needs."""
    try:
        import spatialdata
    except ModuleNotFoundError as error:
        if error.name != "spatialdata":
            raise
        raise UserError(
            "the analysis spatialdata needs the package spatialdata; install it into the "
            "workflow's environment with  pip install spatialdata -c envs/lock.txt  or write  "
            "analyses: {spatialdata: false}"
        ) from error
    return spatialdata


def of_export(folder):
    """What the analysis ``export`` wrote, as SpatialData.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    spatialdata.SpatialData
    """
    package = load_package()
    if (folder / "clustered.h5mu").exists():
        import mudata

        mudata.set_options(pull_on_update=False)
        data = mudata.read_h5mu(folder / "clustered.h5mu")
        return store(package, {m: _with_shared(part, data) for m, part in data.mod.items()})
    import anndata

    return store(package, {"table": anndata.read_h5ad(folder / "clustered.h5ad")})


def _with_shared(part, data):
    """A modality with what is known of all together."""
    part = part.copy()
    for held, shared in ((part.obs, data.obs), (part.obsm, data.obsm), (part.uns, data.uns)):
        for name in shared:
            if name not in data.mod:  # those say which cells a modality has
                held[name] = shared[name]
    return part


def store(package, tables):
    """Tables of the same cells with their circles.

    Parameters
    ----------
    package : module
        ``spatialdata``.
    tables : dict of str to AnnData
        Changed: names become those that SpatialData takes.

    Returns
    -------
    spatialdata.SpatialData

    Raises
    ------
    UserError
        When cells have no places.
    """
    first = next(iter(tables.values()))
    places = np.asarray(first.obsm[SPATIAL], dtype=float)
    if not np.isfinite(places).all():
        raise UserError(
            "analyses.spatialdata: it needs the place of each cell, and "
            f"{(~np.isfinite(places).all(axis=1)).sum()} of {len(places)} have none; name their "
            "columns as  x:  and  y:  of the dataset, or write  spatialdata: false"
        )
    column = next(name for name in first.obs if name.lower() == IMAGE)
    regions = _names(package, first.obs[column].astype(str))
    shapes = {name: _circles(package, places, regions == name, name) for name in pd.unique(regions)}
    made = {}
    for name, table in tables.items():
        put(table.obs, REGION, pd.Categorical(regions))
        put(table.obs, INSTANCE, np.arange(len(table)))
        package.sanitize_table(table)
        made[package.sanitize_name(name)] = package.models.TableModel.parse(
            table, region=list(shapes), region_key=REGION, instance_key=INSTANCE
        )
    return package.SpatialData(shapes=shapes, tables=made)


def _names(package, images):
    """Name of each cell's element, which no other image has in capitals or small letters."""
    names = {}
    for image in images.unique():
        name = package.sanitize_name(image)
        while name.lower() in {taken.lower() for taken in names.values()} | {"table"}:
            name += "_"
        names[image] = name
    return images.map(names).to_numpy(dtype=object)


def _circles(package, places, mask, name):
    """Circles of the cells of an image."""
    own = places[mask]
    apart = cKDTree(own).query(own, k=2)[0][:, 1] if len(own) > 1 else np.ones(1)
    apart = apart[np.isfinite(apart) & (apart > 0)]
    return package.models.ShapesModel.parse(
        own,
        geometry=0,
        radius=float(np.median(apart)) / 2 if len(apart) else 0.5,
        index=np.flatnonzero(mask),
        transformations={name: package.transformations.Identity()},
    )
