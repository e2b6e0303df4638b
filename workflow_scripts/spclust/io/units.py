"""The unit of coordinates: µm where the file says so or a size of pixels is known."""

import logging
import re

import numpy as np
import pandas as pd

from spclust.data.cell_files import IMAGE, MICROMETRES, SPATIAL, set_unit, unit_of
from spclust.data.sample_sheet import Sheet
from spclust.data.samples import images_of
from spclust.errors import UserError
from spclust.io import samples

log = logging.getLogger(__name__)

PIXELS = "px"
# as a word of its own: Centroid X µm, x_um, X (px), CenterX_global_px; of µ there are two signs
_UNITS = {
    MICROMETRES: r"(?i)(?<![a-z])([µμ]m|um|micron(s)?|micromet(er|re)s?)(?![a-z])",
    PIXELS: r"(?i)(?<![a-z])(px|pixels?)(?![a-z])",
}


def of_columns(x, y):
    """Unit that the names of the columns of x and y tell, or None.

    Raises
    ------
    UserError
        When they tell different ones.
    """
    said = [
        next((unit for unit, words in _UNITS.items() if re.search(words, str(name))), None)
        for name in (x, y)
    ]
    if None not in said and said[0] != said[1]:
        raise UserError(
            f"`x` and `y` of the dataset are columns in different units, {x!r} and {y!r}; name "
            "two of one unit as  x:  and  y:"
        )
    return said[0] if said[0] == said[1] else None


def of_table(table, x, y):
    """Unit that the names of columns of a table tell, else the format where it settles them."""
    settled = table.roles.get("x", x) == x
    return of_columns(x, y) or (table.unit_of_length if settled else None)


def of_file(holders, x, y):
    """Unit that AnnData or MuData note, as an export of this workflow does, else of the columns."""
    noted = next(filter(None, map(unit_of, holders)), None)
    return noted or (None if x is None else of_columns(x, y))


def settle(data, unit, pixel_size, source, asked=True):
    """Turn coordinates into µm where the size of a pixel is known, and record the unit.

    Parameters
    ----------
    data : MuData
        Its ``obsm['spatial']`` and unit are set.
    unit : {'µm', 'px', None}
        What the file says.
    pixel_size : float, dict or None
        µm per pixel; or what a sheet of samples says of each image, as the fields of a
        :class:`spclust.data.sample_sheet.Sheet`.
    source : str
        For messages.
    asked : bool
        Whether to tell the user where the unit is not known, as where other things were guessed.

    Raises
    ------
    UserError
        When coordinates are in µm already, or there are none.
    """
    places = data.obsm[SPATIAL]
    if pixel_size is None:
        if np.isfinite(places).any():
            _say(unit, source, asked)
            if unit is not None:
                set_unit(data, unit)
        return
    key = "`pixel_size` of the dataset"
    if isinstance(pixel_size, dict):
        key = f"the column pixel_size of {pixel_size['path']}"
    if unit == MICROMETRES:
        raise UserError(
            f"{source}: x and y are in µm already, as the file says, and {key} would turn them "
            "from pixels into µm; take it out, or name columns in pixels as  x:  and  y:"
        )
    if not np.isfinite(places).any():
        raise UserError(f"{source}: the cells have no places, which {key} is for; take it out")
    _convert(data, pixel_size)


def join(data, of_slices, pixel_size=None):
    """The unit of slices that are one dataset now.

    Parameters
    ----------
    data : MuData
        Changed as by :func:`settle`.
    of_slices : dict of str to str or None
        Unit of each slice.
    pixel_size : dict, optional
        Of the cohort's sheet, see :func:`settle`.

    Raises
    ------
    UserError
        When the sheet has sizes of pixels and a slice is in µm already.
    """
    done = [name for name, unit in of_slices.items() if unit == MICROMETRES]
    if pixel_size is not None and done:
        raise UserError(
            f"slices {', '.join(done[:5])} are in µm already, by their files or `pixel_size`, "
            f"and the column pixel_size of {pixel_size['path']} would turn them from pixels into "
            "µm; take the column out of the cohort's sheet and write  pixel_size:  with the slices "
            "that need it"
        )
    if pixel_size is not None:
        settle(data, None, pixel_size, "the cohort")
    elif len(set(of_slices.values())) == 1:
        unit = next(iter(of_slices.values()))
        if unit is not None:
            set_unit(data, unit)
    else:
        others = [name for name, unit in of_slices.items() if unit != MICROMETRES]
        log.warning(
            "coordinates of %d slices are in µm and those of %s are not, so no length is the same "
            "in all; write  pixel_size: 0.5  with them, the size of their pixels in µm",
            len(done),
            ", ".join(others[:8]),
        )


def _convert(data, pixel_size):
    """Multiply coordinates by the size of a pixel; the unit is µm then."""
    if isinstance(pixel_size, dict):
        sizes = samples.pixel_sizes(Sheet(**pixel_size), images_of(data.obs))
        factor = data.obs[IMAGE].astype(str).map(sizes).to_numpy(float)[:, None]
    else:
        sizes, factor = pd.Series([pixel_size], dtype=float), float(pixel_size)
    data.obsm[SPATIAL] = (np.asarray(data.obsm[SPATIAL], float) * factor).astype(np.float32)
    set_unit(data, MICROMETRES)
    log.info(
        "coordinates are turned from pixels into µm (%s µm a pixel)",
        ", ".join(f"{size:g}" for size in sizes.unique()[:10]),
    )


def _say(unit, source, asked):
    if unit == MICROMETRES:
        log.info("coordinates are in µm, as the file says")
        return
    told = "in pixels, as the file says" if unit else "in a unit that the file does not say"
    log.log(
        logging.WARNING if asked else logging.INFO,
        "%s: x and y are %s, and stay so: a radius counts in it, and densities are not known. "
        "Write with the dataset e.g.  pixel_size: 0.5  (µm per pixel%s)",
        source,
        told,
        "" if unit else ", 1 where they are in µm",
    )
