"""``samples.csv``: what the user's sheet says of each image of a dataset.

Beside the results of the import, made where the dataset has ``samples``; see
:mod:`spclust.io.samples`.
"""

import logging

import h5py
import numpy as np
import pandas as pd

from spclust.data.cell_files import IMAGE, SLICE, text_of
from spclust.data.tables import rebuild

log = logging.getLogger(__name__)

DENSITY = "cells_per_mm2"
# of text whatever they look like: patient 12 is no number
_TEXT = {"image", "slice", "sample", "patient", "group", "batch"}


def read_images(path):
    """Images of a file of cells.

    Parameters
    ----------
    path : path
        ``cells.h5mu``.

    Returns
    -------
    DataFrame
        See :func:`images_of`.
    """
    try:
        with h5py.File(path) as file:
            return images_of({name: text_of(file["obs"][name]) for name in (IMAGE, SLICE)})
    except (OSError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", "import_cells") from error


def images_of(obs):
    """Slice and number of cells of each image.

    Parameters
    ----------
    obs : mapping
        ``image`` and ``slice`` of each cell.

    Returns
    -------
    DataFrame
        ``slice`` and ``cells``, indexed by the image's name, in the order of the cells.
    """
    cells = pd.DataFrame({"slice": np.asarray(obs[SLICE]), "image": np.asarray(obs[IMAGE])})
    by_image = cells.astype(str).groupby("image", sort=False)
    return by_image.agg(slice=("slice", "first"), cells=("slice", "size"))


def read_samples(path):
    """A table that check_samples made.

    Returns
    -------
    DataFrame
        ``image``, ``slice``, ``cells``, and the columns of the sheet: ``area`` in mm²,
        ``pixel_size`` in µm, others as named there, numbers where all values are. Patient, group,
        batch and the like are text. ``cells_per_mm2`` where areas are.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values="")
    return table.apply(lambda column: _typed(column) if column.name not in _TEXT else column)


def _typed(column):
    numbers = pd.to_numeric(column, errors="coerce")
    # 007 is a name
    named = column.dropna().str.fullmatch(r"0\d+")
    whole = numbers.isna().equals(column.isna()) and not named.any()
    return numbers if whole and column.notna().any() else column


def _as_text(column):
    """Values to be compared, 51 and 51.0 the same."""
    numbers = pd.to_numeric(column.astype(object), errors="coerce").astype(float)
    return numbers.map(repr).where(numbers.notna(), column.astype(str)).to_numpy(dtype=object)


def of_cells(samples, image, obs):
    """Columns of a sheet for cells.

    Parameters
    ----------
    samples : DataFrame
        Of :func:`read_samples`.
    image : Series
        Of each cell, its name.
    obs : DataFrame
        What else is known of the cells.

    Returns
    -------
    DataFrame, indexed as ``obs``
        All but those of the images' cells. Where ``obs`` has a column of the same name, in
        capitals or not, that says something else, that stays and the sheet's is ``<name>_sheet``;
        where it says the same, nothing is added. Empty columns are left out, which h5ad cannot
        hold.
    """
    of_image = samples.set_index("image").drop(columns=["slice", "cells", DENSITY], errors="ignore")
    row = of_image.dropna(axis=1, how="all")
    found = row.reindex(image.astype(str)).set_axis(obs.index)
    there = {column.casefold(): column for column in obs}
    for column in found.columns:
        own = there.get(column.casefold())
        if own is None:
            continue
        differing = _as_text(obs[own]) != _as_text(found[column])
        if not differing.any():
            found = found.drop(columns=column)
            continue
        log.warning(
            "the file says another %r than the sheet of samples of %d of %d cells; the sheet's is "
            "in %s_sheet",
            own,
            differing.sum(),
            len(differing),
            column,
        )
        found = found.rename(columns={column: f"{column}_sheet"})
    for column in found.select_dtypes(["object", "string"]):
        found[column] = found[column].astype(object).astype("category")
    return found
