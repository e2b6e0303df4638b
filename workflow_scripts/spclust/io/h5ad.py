"""AnnData files."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.errors import UserError
from spclust.io import guess, tables

log = logging.getLogger(__name__)


def read(path):
    """Read an h5ad file; ``X`` becomes float32, sparse rows (CSR) where it was sparse.

    Parameters
    ----------
    path : path

    Returns
    -------
    AnnData

    Raises
    ------
    UserError
        When the file is missing, empty, truncated, no h5ad, or its matrix holds NaN or inf.
    """
    import anndata
    import h5py

    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; check `path` of the dataset")
    if Path(path).stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; make or copy it again")
    if not h5py.is_hdf5(path):
        raise UserError(
            f"{path}: this is no h5ad (HDF5) file; for a text table write  format: table  in the "
            "dataset's entry"
        )
    try:
        with h5py.File(path) as file:
            whole = {"X", "obs", "var"} <= set(file)
        cells = anndata.read_h5ad(path) if whole else None
    # a damaged HDF5 file surfaces as any of these, depending on where it broke
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: the file is truncated or damaged ({reason}); copy it again"
        ) from error
    if cells is None or cells.X is None:
        raise UserError(f"{path}: no AnnData with X, obs and var; write it with adata.write_h5ad()")
    if cells.n_obs == 0 or cells.n_vars == 0:
        raise UserError(f"{path}: the file holds {cells.n_obs} cells and {cells.n_vars} proteins")
    if not cells.var_names.is_unique:
        twice = cells.var_names[cells.var_names.duplicated()].unique()
        raise UserError(
            f"{path}: the protein names {', '.join(twice[:5])} stand more than once in var; "
            "rename them (adata.var_names_make_unique())"
        )
    with np.errstate(over="ignore"):
        if sp.issparse(cells.X):
            cells.X = sp.csr_matrix(cells.X, dtype=np.float32)
        else:
            cells.X = np.asarray(cells.X, dtype=np.float32)
    return cells


def check_matrix(cells, path):
    """Refuse NaN and inf, naming the first cell and protein."""
    values = cells.X.data if sp.issparse(cells.X) else cells.X
    if np.isfinite(values).all():
        return
    coo = sp.coo_matrix(cells.X) if sp.issparse(cells.X) else None
    if coo is not None:
        bad = np.flatnonzero(~np.isfinite(coo.data))
        rows, columns = coo.row[bad], coo.col[bad]
    else:
        rows, columns = np.nonzero(~np.isfinite(values))
    raise UserError(
        f"{path}, cell {cells.obs_names[rows[0]]!r}, protein {cells.var_names[columns[0]]!r}: the "
        f"value is NaN or infinite ({len(rows)} such values). Remove the cells, or leave the "
        f"protein out with  exclude_proteins: ['^{cells.var_names[columns[0]]}$']"
    )


def obs_table(frame, path):
    """Columns of obs (or other values per cell) as a table that knows the place of each value."""
    source = pd.DataFrame({"file": [str(path)] * len(frame), "line": range(len(frame))})
    frame = frame.reset_index(drop=True)
    return tables.Table(
        frame, dict.fromkeys(frame.columns, "obs"), {"obs": source}, unit="row of obs"
    )


def coordinates(cells, cfg, path):
    """Spatial coordinates and, where they were guessed, the obs columns.

    Parameters
    ----------
    cells : AnnData
    cfg : dict
        ``x`` and ``y``, obs columns; left out, ``obsm['spatial']`` or columns judged by name.
    path : path

    Returns
    -------
    (array of float32, shape (cells, 2); dict)
        Coordinates; guessed keys.

    Raises
    ------
    UserError
        When there are none, or one is missing, infinite or no number.
    """
    columns, guessed = [cfg.get("x"), cfg.get("y")], {}
    if columns == [None, None] and "spatial" in cells.obsm:
        values = np.asarray(cells.obsm["spatial"])
        if values.ndim != 2 or values.shape[1] < 2:
            raise UserError(
                f"{path}: obsm['spatial'] has the shape {values.shape}, (cells, 2) is expected"
            )
        if values.shape[1] > 2:
            log.warning("%s: obsm['spatial'] has %d columns; x and y, the first two, are used",
                        path, values.shape[1])  # fmt: skip
        columns = ["obsm['spatial'][:, 0]", "obsm['spatial'][:, 1]"]
        frame = pd.DataFrame(values[:, :2], columns=columns)
    else:
        frame = cells.obs
        if columns == [None, None]:
            columns = list(guess.coordinates(frame.columns))
            guessed = dict(zip("xy", columns))
        if None in columns:
            raise UserError(
                f"{path}: no coordinates: there is no obsm['spatial'], and no two obs columns are "
                "given or look like x and y. Add adata.obsm['spatial'], or name obs columns as  "
                f"x:  and  y:  of the dataset. obs has: {', '.join(map(str, frame.columns))}"
            )
        for key, column in zip("xy", columns):
            tables.require(column, frame.columns, key, f"{path}, obs")
    table = obs_table(frame, path)
    return tables.numbers(table.frame, columns, table.place, "remove the cell"), guessed
