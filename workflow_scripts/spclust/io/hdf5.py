"""AnnData and MuData from their HDF5 files, with faults of a file in words."""

import io
import logging
import subprocess
import sys
import warnings
from pathlib import Path

from spclust.data import first_bytes
from spclust.errors import UserError

log = logging.getLogger(__name__)

LOOK = 60  # seconds that a look at a file may take, and one more for each 10 MB
# what loops or crashes are attributes, chunk trees and texts; numbers have checksums or none
_WALK = """
import sys, h5py

def look(name, item):
    list(item.attrs.items())
    if isinstance(item, h5py.Dataset):
        item.chunks and item.id.get_num_chunks()
        h5py.check_string_dtype(item.dtype) and item[()]

with h5py.File(sys.argv[1]) as file:
    file.visititems(look)
"""
MODALITIES = "mod"  # the group of an h5mu file that no h5ad file has
PARTS = ("X", "obs", "var", "obsm", "varm", "obsp", "varp", "layers", "raw", "uns")  # of AnnData
# files of other programs, by a group that no h5ad file has
_OTHERS = {
    "row_attrs": "a Loom file; write it as h5ad by  anndata.io.read_loom(...).write_h5ad(...)",
    "matrix": "a matrix of 10x Genomics, which has no places of cells; name the table of cells "
    "beside it, of Xenium as  path: [cells.parquet, cell_feature_matrix.h5]",
    "cell.names": "of Seurat (h5Seurat); in R write it as h5ad by  SeuratDisk::Convert(file, "
    "dest = 'h5ad')",
    "assay001": "the assays of R's HDF5Array; in R  zellkonverter::writeH5AD(HDF5Array::"
    "loadHDF5SummarizedExperiment(folder), 'cells.h5ad')",
}


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
    groups = _groups(path, "h5ad")
    if MODALITIES in groups:
        raise UserError(f"{path}: this is a MuData file; write  format: h5mu  in the entry")
    if {"obs", "var"} <= groups:
        return whole(path, _anndata)
    other = next((what for group, what in _OTHERS.items() if group in groups), None)
    if other:
        raise UserError(f"{path}: this HDF5 file is {other}")
    raise UserError(
        f"{path}: not an AnnData with X, obs and var but an HDF5 file of "
        f"{', '.join(sorted(groups)[:8]) or 'nothing'}; write it with adata.write_h5ad()"
    )


def _anndata(path):
    """What a file holds of AnnData's own parts; others, and kinds it does not know, are said."""
    import anndata
    import h5py
    from anndata._io.specs.registry import IORegistryError

    with h5py.File(path) as file:
        others = sorted(set(file) - {*PARTS})
    try:
        if all(name.startswith("raw.") for name in others):
            return anndata.read_h5ad(path)
    except IORegistryError as error:
        log.debug("%s: %s", path, error)  # told below, by name
    left_out = [f"/{name}" for name in others]

    def part(read, name, item, *, iospec):
        if iospec.encoding_type in ("anndata", "raw") or name == "/":
            parts = {key: item[key] for key in PARTS if key in item}
        elif isinstance(item, h5py.Group) and iospec.encoding_type in ("", "dict"):
            parts = dict(item)
        else:
            return read(item)
        done = {}
        for key, inside in parts.items():
            try:
                done[key] = anndata.experimental.read_dispatched(inside, part)
            except IORegistryError as error:
                if key in ("X", "obs", "var"):
                    raise UserError(
                        f"{path}: {key} is of a kind that this version of AnnData does not "
                        f"read ({str(error).splitlines()[0]}); write the file again"
                    ) from error
                left_out.append(inside.name)
        return anndata.AnnData(**done) if "obs" in parts and "var" in parts else done

    with h5py.File(path) as file:
        data = anndata.experimental.read_dispatched(file, part)
    log.warning(
        "%s: left out, being no part of an AnnData or of a kind that it does not read: %s",
        path,
        ", ".join(left_out[:20]),
    )
    return data


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
        raise UserError(f"{path}: not a MuData with modalities; write it with mdata.write_h5mu()")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that repeat are judged later, by modality
        data = whole(path, _mudata)
    if not data.mod:
        raise UserError(f"{path}: the file holds no modality; write it with mdata.write_h5mu()")
    if data.axis == 1:
        raise UserError(
            f"{path}: the modalities {', '.join(data.mod)} share features, not cells (axis 1); "
            "write a file of modalities measured in the same cells"
        )
    return data


def _mudata(path):
    """A MuData, without groups that are no part of one, which its package takes for parts."""
    import h5py
    import mudata

    with h5py.File(path) as file:
        others = sorted(set(file) - {*PARTS, MODALITIES, "obsmap", "varmap"})
        if not others:
            return mudata.read_h5mu(path)
        log.warning("%s: left out, being no part of a MuData: %s", path, ", ".join(others[:20]))
        content = io.BytesIO()
        with h5py.File(content, "w") as kept:
            kept.attrs.update(file.attrs)
            for name in set(file) - {*others}:
                file.copy(name, kept)
    return mudata.read_h5mu(content)


def writable(uns):
    """The entries of ``uns`` that can be written and read again; the others are said.

    Parameters
    ----------
    uns : mapping

    Returns
    -------
    dict
    """
    import anndata
    import h5py

    kept = dict(uns)
    for name, value in uns.items():
        with h5py.File("none", "w", driver="core", backing_store=False) as file:
            try:
                anndata.io.write_elem(file, "uns", {name: value})
                anndata.io.read_elem(file["uns"])
            except Exception as error:  # each type that anndata does not know fails in its own way
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                log.warning("uns[%r] cannot be written again and is left out: %s", name, reason)
                del kept[name]
    return kept


def _groups(path, kind):
    """Names of the top groups of an HDF5 file."""
    import h5py

    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if Path(path).stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    if not h5py.is_hdf5(path):
        found = first_bytes.of(path)  # says of what is never read what to export instead
        raise UserError(
            f"{path}: this is not an {kind} (HDF5) file but {found}; for a table write  "
            "format: table  in the dataset's entry"
        )

    _refuse_endless(path)

    def names(path):
        with h5py.File(path) as file:
            return set(file)

    return whole(path, names)


def _refuse_endless(path):
    """Walk the file in a process of its own: HDF5 loops in damaged heaps, or crashes.

    Other faults are left to the reader, which has better words for them.
    """
    limit = LOOK + Path(path).stat().st_size / 1e7
    try:
        done = subprocess.run(
            [sys.executable, "-c", _WALK, str(path)], capture_output=True, timeout=limit
        )
        fault = f"ended by signal {-done.returncode}" if done.returncode < 0 else None
    except subprocess.TimeoutExpired:
        fault = f"did not end in {limit:.0f} s"
    if fault:
        raise UserError(
            f"{path}: the file is damaged (reading its structure {fault}); copy it again"
        )


def whole(path, read):
    """``read(path)``; whatever that raises is said to be a fault of the file.

    Raises
    ------
    UserError
    """
    try:
        return read(path)
    except UserError:
        raise
    # what is damaged, or has parts of unknown types, surfaces as nearly anything
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if type(error).__name__ == "IORegistryError":
            raise UserError(
                f"{path}: it holds what this version of AnnData does not read ({reason}); write it "
                "again with that left out"
            ) from error
        raise UserError(
            f"{path}: the file is truncated or damaged ({reason}); copy it again"
        ) from error
