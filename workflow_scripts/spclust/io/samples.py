"""The user's sheet of samples held against the images of the cells.

The sheet (:mod:`spclust.data.sample_sheet`) takes two ways, so that an edit reruns what it changes
and no more. All of it, checked and a row an image, is ``results/<dataset>/samples.csv``
(:mod:`spclust.data.samples`), made by a rule of its own after the import: a covariate, a group or
an area reaches export, analyses and the summary, and no feature, no training. Its column
``pixel_size`` alone decides about coordinates. Snakemake reads it while it plans and hands names
and sizes to the import, or of a cohort to the joining of slices, as a param; the file is no input
of these, and they run again where a name or a size changes.

Rows are of images or of slices. Which column names them is told by its values. In a cohort an
image goes by ``<slice>_<image>``, by its own name where no other slice has that, or by two columns,
slice and image.
"""

import difflib
import logging
import re
from dataclasses import dataclass

import pandas as pd

from spclust.data.sample_sheet import (
    AREA,
    IMAGE_NAMES,
    PIXEL_SIZE,
    SLICE_NAMES,
    plain,
    positive,
)
from spclust.data.samples import DENSITY
from spclust.errors import UserError

log = logging.getLogger(__name__)

OWN = ("image", "slice", "cells")
# the summary puts a dataset before them
RESERVED = (*OWN, DENSITY, "dataset")
IMAGES, SLICES = "images", "slices"


@dataclass(frozen=True)
class Match:
    """Which row of a sheet is of which image.

    Attributes
    ----------
    columns : tuple of str
        That name the samples.
    of : {'images', 'slices'}
    names : list of str or None
        For each row the image, or the slice, that it is of.
    """

    columns: tuple
    of: str
    names: list

    @property
    def known(self):
        """How many rows are of the cells."""
        return sum(name is not None for name in self.names)

    def unused(self, sheet):
        """What the sheet calls the samples that the cells do not have, line by line."""
        called = sheet.values(self.columns[-1])
        return {row: called[row] for row, name in enumerate(self.names) if name is None}


def table(sheet, images):
    """The sheet with a row for each image, what does not fit said.

    Parameters
    ----------
    sheet : spclust.data.sample_sheet.Sheet
    images : DataFrame
        ``slice`` and ``cells`` (their number) of each image, indexed by its name.

    Returns
    -------
    DataFrame
        ``image``, ``slice``, ``cells``, then the columns of the sheet as text; one that is called
        as these, or ``dataset``, and does not name the samples, as ``<name>_original``. Where areas
        are given, ``cells_per_mm2`` behind them.

    Raises
    ------
    UserError
        When no row is of any image, two rows of one contradict each other, or an area is that of
        several images together.
    """
    match = _match(sheet, images)
    rows = _row_of_each(sheet, match, images)
    log.info("%s: %s are named by %s", sheet.path, match.of, _listed(match.columns))
    _say_what_is_missing(sheet, match, images, rows)
    _refuse_shared_area(sheet, match, images, rows)
    found = images.rename_axis("image").reset_index()[list(OWN)]
    for column in sheet.columns:
        if column in RESERVED and column in match.columns:
            continue
        values = sheet.values(column)
        name = f"{column}_original" if column in RESERVED else column
        found[name] = ["" if row is None else values[row] for row in rows]
    if AREA in found:
        areas = [positive(area, sheet.path) for area in found[AREA]]
        found[DENSITY] = [
            "" if area is None else f"{cells / area:.6g}"
            for cells, area in zip(found["cells"], areas)
        ]
    return found


def pixel_sizes(sheet, images):
    """µm per pixel of each image, Series of float indexed by image.

    Raises
    ------
    UserError
        When the sheet has none for some image: pixels and µm would stand side by side.
    """
    match, values = _match(sheet, images), sheet.values(PIXEL_SIZE)
    rows = _row_of_each(sheet, match, images)
    sizes = [None if row is None else positive(values[row], sheet.path) for row in rows]
    without = [image for image, size in zip(images.index, sizes) if size is None]
    if without:
        raise UserError(
            f"{sheet.path}: the column {PIXEL_SIZE!r} says nothing for {len(without)} of "
            f"{len(images)} images ({_listed(without)}); fill it in for all, or for none"
            + _alike(without, match.unused(sheet).values())
        )
    return pd.Series(sizes, index=images.index, dtype=float)


def _match(sheet, images):
    """The way of naming that most rows agree with; the finer of two that are alike."""
    matches = [
        Match(columns, of, [known.get(name) for name in names])
        for columns, names in _names(sheet, images)
        for of, known in _known(images)
    ]
    best = max(matches, key=lambda match: match.known)
    if best.known:
        return best
    names = {c: sheet.values(c)[0] for c in sheet.naming()}
    seen = ", ".join(f"{column!r} has {value!r}" for column, value in list(names.items())[:5])
    raise UserError(
        f"{sheet.path}: no row is of an image of these cells ({seen} first); write their names "
        f"into a column  image: {_listed(images.index)}"
        + _alike(names.values(), [*images.index, *images["slice"]])
    )


def _known(images):
    """What images, and slices, may be called; finer ones first."""
    yield IMAGES, {name: name for name in images.index}
    own = [image.removeprefix(f"{slice_}_") for image, slice_ in zip(images.index, images["slice"])]
    if len(set(own)) == len(own):
        yield IMAGES, dict(zip(own, images.index))
    yield SLICES, {name: name for name in images["slice"]}


def _names(sheet, images):
    """Columns that may name the samples, alone or two together, and the names of all rows."""
    columns = sheet.naming()
    of_slice = [c for c in columns if plain(c) in SLICE_NAMES]
    of_image = [c for c in columns if plain(c) in IMAGE_NAMES]
    for outer in of_slice:
        for inner in of_image:
            pairs = zip(sheet.values(outer), sheet.values(inner))
            # a slice of one image gives that its name
            names = [s if s in images.index else f"{s}_{i}" for s, i in pairs]
            yield (outer, inner), names
    for column in columns:
        yield (column,), sheet.values(column)


def _row_of_each(sheet, match, images):
    """Number of each image's row, None where the sheet has none."""
    rows, repeated = {}, 0
    for row, name in enumerate(match.names):
        if name is None:
            continue
        first = rows.setdefault(name, row)
        if first == row:
            continue
        differing = [
            c for c, a, b in zip(sheet.columns, sheet.rows[first], sheet.rows[row]) if a != b
        ]
        if differing:
            raise UserError(
                f"{sheet.place(row)}: {match.of[:-1]} {name!r} has a row already"
                f"{f', line {sheet.lines[first]}' if sheet.lines else ''}, with another "
                f"{differing[0]!r}; remove one of the two, or name in a column  image:  the "
                f"image that each is of ({_listed(images.index)})"
            )
        repeated += 1
    if repeated:
        log.warning("%s: %d rows stand there twice; one of each is used", sheet.path, repeated)
    names = images.index if match.of == IMAGES else images["slice"]
    return [rows.get(name) for name in names]


def _say_what_is_missing(sheet, match, images, rows):
    """Warn of images without a row and of rows without an image."""
    unused = match.unused(sheet)
    without = [image for image, row in zip(images.index, rows) if row is None]
    if without:
        log.warning(
            "%s: %d of %d images have no row, so nothing is known of their %d cells: %s%s",
            sheet.path,
            len(without),
            len(images),
            images.loc[without, "cells"].sum(),
            _listed(without),
            _alike(without, unused.values()),
        )
    if unused:
        log.warning(
            "%s: %d of %d rows are of no image of these cells, by their column %r: %s",
            sheet.path,
            len(unused),
            len(match.names),
            match.columns[-1],
            _listed(f"{name!r} (line {sheet.lines[row]})" for row, name in unused.items()),
        )


def _refuse_shared_area(sheet, match, images, rows):
    """Refuse the area of a slice that has several images: none of them has it."""
    if AREA not in sheet.columns or match.of == IMAGES:
        return
    several = images["slice"].duplicated(keep=False)
    for row, shared in zip(rows, several):
        if row is not None and shared and sheet.values(AREA)[row]:
            raise UserError(
                f"{sheet.place(row)}, column {AREA!r}: the row is of a slice of several images; "
                f"write a row for each image ({_listed(images.index)}), or leave the area empty"
            )


def _alike(names, others):
    """Words for names that are nearly others."""
    pairs = [(name, near) for name in names if (near := nearest(name, others))]
    said = ", ".join(f"{name!r} for {near!r}" for name, near in pairs[:5])
    return f"; perhaps {said}" if pairs else ""


def nearest(name, others):
    """The one of other names that a name is but for capitals, signs and suffixes, or nearly is."""

    def bare(text):
        return plain(re.sub(r"(\.[A-Za-z]\w*)+$", "", text.rpartition("/")[2]))

    same = [other for other in others if bare(other) == bare(name) != ""]
    return next(iter(same or difflib.get_close_matches(name, others, 1, cutoff=0.75)), None)


def _listed(names):
    names = list(map(str, names))
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
