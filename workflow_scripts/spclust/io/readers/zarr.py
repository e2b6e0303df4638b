"""Zarr stores: AnnData, or the table of a SpatialData store."""

import logging

from spclust.data import folders
from spclust.data.cell_files import SPATIAL
from spclust.errors import UserError
from spclust.io import elements, hdf5

log = logging.getLogger(__name__)

READS = ("zarr.json", ".zgroup")  # as folders.STORE


def recognises(files):
    return len(files) == 1 and folders.is_store(files[0])


def read(files, cfg):
    """The AnnData of a store, or of the one table of its ``tables``.

    Cells of SpatialData without places lie where the element is that the table annotates, or that
    ``spatial_key`` names.

    Raises
    ------
    UserError
        When the store holds no AnnData or several, or is damaged.
    """
    import anndata

    if not recognises(files):
        raise UserError(
            f"{files[0]}: not a Zarr store (a folder with {' or '.join(folders.STORE)}); for a "
            "text table write  format: table  in the dataset's entry"
        )
    (root,) = files
    groups = [root]
    if root.name in folders.TABLES and not (root / "obs").is_dir():
        groups = [path for path in sorted(root.iterdir()) if folders.is_store(path)]
    if len(groups) != 1:
        named = f"; name one, e.g.  path: {groups[0]}" if groups else ""
        raise UserError(f"{root}: there are {len(groups)} tables, one is needed{named}")
    (table,) = groups
    hdf5.whole(table, _look)
    data = hdf5.whole(table, anndata.read_zarr)
    key = cfg.get("spatial_key")
    missing = SPATIAL not in data.obsm if key is None else key not in data.obsm
    if missing and elements.ATTRIBUTES in data.uns and not {"x", "y"} & set(cfg):
        store = next(at for at in table.parents if at.name not in folders.TABLES)
        places = elements.centres(store, data, key, table)
        if places is not None:
            data.obsm[key or SPATIAL] = places
    return data


def _look(path):
    """Refuse what is no AnnData; warn of absent chunks, which Zarr takes for zeros."""
    import zarr

    group = zarr.open_group(path, mode="r")
    kind = group.attrs.get("encoding-type")
    if kind != "anndata":
        raise UserError(
            f"{path}: not an AnnData (its encoding-type is {kind!r}); write one with "
            "adata.write_zarr(), or h5ad or h5mu files"
        )
    x = group.get("X")
    if isinstance(x, zarr.Array) and x.nchunks_initialized < x.nchunks:
        log.warning(
            "%s: %d of the %d chunks of X are not in the store, so all values there are 0; was it "
            "copied whole?",
            path,
            x.nchunks - x.nchunks_initialized,
            x.nchunks,
        )
