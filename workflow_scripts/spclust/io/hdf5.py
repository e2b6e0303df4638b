"""AnnData and MuData from their HDF5 files, with faults of a file in words."""

import warnings
from pathlib import Path

from spclust.errors import UserError

MODALITIES = "mod"  # the group of an h5mu file that no h5ad file has


def read_anndata(path):
    """Read an h5ad file.

    Returns
    -------
    AnnData

    Raises
    ------
    UserError
        When the file is missing, empty, truncated or no h5ad.
    """
    import anndata

    groups = _groups(path, "h5ad")
    if MODALITIES in groups:
        raise UserError(f"{path}: this is a MuData file; write  format: h5mu  in the entry")
    if {"X", "obs", "var"} <= groups:
        return _whole(path, anndata.read_h5ad)
    raise UserError(f"{path}: no AnnData with X, obs and var; write it with adata.write_h5ad()")


def read_mudata(path):
    """Read an h5mu file, see :func:`read_anndata`.

    Returns
    -------
    MuData
        Whose modalities share cells.
    """
    import mudata

    mudata.set_options(pull_on_update=False)
    groups = _groups(path, "h5mu")
    if MODALITIES not in groups and {"X", "obs", "var"} <= groups:
        raise UserError(f"{path}: this is an AnnData file; write  format: h5ad  in the entry")
    if MODALITIES not in groups:
        raise UserError(f"{path}: no MuData with modalities; write it with mdata.write_h5mu()")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that repeat are judged later, by modality
        data = _whole(path, mudata.read_h5mu)
    if not data.mod:
        raise UserError(f"{path}: the file holds no modality; write it with mdata.write_h5mu()")
    if data.axis == 1:
        raise UserError(
            f"{path}: the modalities {', '.join(data.mod)} share features, not cells (axis 1); "
            "write a file of modalities measured in the same cells"
        )
    return data


def _groups(path, kind):
    """Names of the top groups of an HDF5 file."""
    import h5py

    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if Path(path).stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    if not h5py.is_hdf5(path):
        raise UserError(
            f"{path}: this is no {kind} (HDF5) file; for a text table write  format: table  in the "
            "dataset's entry"
        )

    def names(path):
        with h5py.File(path) as file:
            return set(file)

    return _whole(path, names)


def _whole(path, read):
    try:
        return read(path)
    # a damaged HDF5 file, or one with parts of unknown types, surfaces as nearly anything
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: the file is truncated or damaged ({reason}); copy it again"
        ) from error
