"""Niches: groups of cells with alike surroundings, one set for the whole dataset."""

import logging

import numpy as np
import pandas as pd

from spclust.analyses.composition import composition
from spclust.analyses.kinds import Kinds, kinds_of
from spclust.clustering import niches
from spclust.clustering.prototypes import class_means
from spclust.data.cell_files import MICROMETRES
from spclust.data.clusters import UNKNOWN
from spclust.errors import UserError
from spclust.neighbours.windows import at_rim, counts_within, nearest_counts

log = logging.getLogger(__name__)

# windows that niches are sought in again, as multiples of the chosen one
OTHERS = (2, 3)
# images from which on they are drawn anew; fewer are cut into SIDE x SIDE parts
FEW_IMAGES, SIDE = 5, 4
# a niche is called by types of so large a share, and so many times as common there as elsewhere
NAMED_SHARE, NAMED_RATIO = 0.1, 1.2
# a second type is named where it adds so much of what the first does to what the niche tells
NAMED_SECOND = 0.25
FLOOR = -5.0
NONE, NO_NAME, MIXED = -1, "none", "mixed"
SUMMARY = ["niche", "niche_name", "cells", "share", "found_again", "rim", "images"]


def analyse(task):
    """Find niches of the task's cells, see :func:`find`."""
    settings = task.settings
    return find(
        task.cells,
        kinds_of(task),
        task.seed,
        settings["neighbours"],
        settings["radius"],
        settings["number"],
        task.samples,
    )


def find(cells, kinds, seed, neighbours=10, radius=None, number="auto", samples=None):
    """Niches with all that is said of them.

    Parameters
    ----------
    cells : Cells, n of them
    kinds : Kinds
    seed : int
    neighbours : int
        Cells of a window, the cell itself among them.
    radius : float, optional
        µm of a window, in place of ``neighbours``.
    number : int or 'auto'
    samples : DataFrame, optional
        See :func:`spclust.analyses.composition.composition`.

    Returns
    -------
    dict of str to DataFrame
        As the card says. The order of the cells does not matter.

    Raises
    ------
    UserError
        For a radius where the unit of coordinates is not known.
    """
    if radius is not None and cells.unit != MICROMETRES and cells.placed.any():
        raise UserError(
            "analyses.niches: radius is in µm, and coordinates are in "
            f"{cells.unit or 'a unit that is not known'}; write  pixel_size:  below the dataset "
            "(µm per pixel, 1 where they are in µm), or  neighbours:  in place of  radius:"
        )
    order = np.argsort(cells.ids.astype(str), kind="stable")
    rows = order[cells.placed[order]]
    places, images = cells.coordinates[rows].astype(np.float64), cells.image[rows].astype(str)
    codes = kinds.codes[rows]
    if radius is None:
        sizes = [neighbours, *(times * neighbours for times in OTHERS)]
        counts, reach = nearest_counts(places, images, codes, len(kinds), sizes)
    else:
        radii = [radius, *(times * radius for times in OTHERS)]
        counts = [counts_within(places, images, codes, len(kinds), r) for r in radii]
        reach = np.full(len(rows), float(radius))
    size = counts[0].sum(axis=1)
    table = pd.DataFrame({"cell": cells.ids, "niche": NONE, "niche_name": NO_NAME})
    table = table.assign(stability=np.nan, window=0, rim=True)
    table.loc[rows, "window"] = size.astype(int)
    table.loc[rows, "rim"] = at_rim(places, images, reach)

    inside = size > 1
    if inside.sum() < len(cells):
        log.warning(
            "%d of %d cells have no place or no cell around them and are in no niche",
            len(cells) - inside.sum(),
            len(cells),
        )
    rows, shares = rows[inside], [c[inside] / c[inside].sum(1, keepdims=True) for c in counts]
    found = niches.find(shares, _units(places[inside], images[inside]), number, seed)
    if number != "auto" and 0 < len(found.found_again) < number:
        log.warning(
            "%d niches are asked for and windows are of %d kinds only",
            number,
            len(found.found_again),
        )
    if number == "auto":
        log.info(
            "%d niches, by how well they are found again (niche_numbers.csv); another number is a "
            "setting:  number: 10",
            len(found.found_again),
        )
    types, names = _of_types(shares[0], found.labels, kinds.names)
    table.loc[rows, "niche"] = found.labels
    table.loc[rows, "niche_name"] = np.array(names, dtype=object)[found.labels]
    table.loc[rows, "stability"] = found.stability.round(4)
    summary = _summary(table, cells.image, names, found.found_again)
    for row in summary.itertuples():
        log.info("niche %d, %s: %d cells, found again %.2f", *row[1:4], row.found_again)
    return {
        "niches.csv": table,
        "niche_summary.csv": summary,
        "niche_types.csv": types,
        "niche_places.csv": _of_places(cells, table["niche"].to_numpy(), names, samples),
        "niche_numbers.csv": found.numbers.round(4),
    }


def _units(places, images):
    """What is drawn anew: images, or parts of them where there are few, array of int (n,)."""
    names, codes = np.unique(images, return_inverse=True)
    if len(names) >= FEW_IMAGES:
        return codes
    units = np.empty(len(images), dtype=np.int64)
    for i in range(len(names)):
        here = places[codes == i]
        extent = np.maximum(np.ptp(here, axis=0), 1e-12)
        column, row = ((here - here.min(axis=0)) / extent * SIDE).astype(int).clip(0, SIDE - 1).T
        units[codes == i] = (i * SIDE + column) * SIDE + row
    return units


def _of_types(shares, labels, types):
    """Table of niches and types, and the niches' names."""
    number, everywhere, share = labels.max(initial=NONE) + 1, np.zeros(len(types)), shares[:0]
    if number:
        everywhere = shares.mean(axis=0, dtype=np.float64)
        share = class_means(shares.astype(np.float64), labels, number)
    ratio = np.divide(share, everywhere, out=np.ones_like(share), where=everywhere > 0)
    names = called(share, ratio, types)
    with np.errstate(divide="ignore"):
        enrichment = np.log2(ratio).clip(FLOOR)
    k = len(types)
    table = {
        "niche": np.repeat(np.arange(number), k),
        "niche_name": np.repeat(np.array(names, dtype=object), k),
        "type": np.tile(np.array(types, dtype=object), number),
        "share": share.ravel().round(6),
        "everywhere": np.tile(everywhere, number).round(6),
        "enrichment": enrichment.ravel().round(4),
    }
    return pd.DataFrame(table), names


def called(share, ratio, types):
    """Names of niches by the types that they are rich in.

    Parameters
    ----------
    share : array, shape (niches, types)
    ratio : array, shape (niches, types)
        How many times as common a type is there as elsewhere.
    types : list of str

    Returns
    -------
    list of str
        Each once: of niches that would be called the same the later ones have a number, too.
    """
    names = []
    for own, times in zip(share, ratio):
        rich = np.flatnonzero((own >= NAMED_SHARE) & (times >= NAMED_RATIO))
        told = {types[i]: own[i] * np.log(times[i]) for i in rich}
        unknown = told.pop(UNKNOWN, None)
        best = sorted(told, key=told.get, reverse=True)[:2]
        best = [name for name in best if told[name] >= NAMED_SECOND * told[best[0]]]
        name = " and ".join(best) or (MIXED if unknown is None else UNKNOWN)
        again = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return names


def _summary(table, image, names, found_again):
    by_niche = table.assign(image=image)[table["niche"] != NONE].groupby("niche")
    summary = by_niche.agg(cells=("cell", "size"), rim=("rim", "mean"), images=("image", "nunique"))
    summary = summary.reindex(range(len(names)), fill_value=0)
    summary["niche_name"], summary["found_again"] = names, found_again.round(4)
    summary["share"] = (summary["cells"] / max(summary["cells"].sum(), 1)).round(6)
    return summary.rename_axis("niche").reset_index()[SUMMARY].round({"rim": 4})


def _of_places(cells, labels, names, samples):
    """Shares and densities of niches, as those of types are counted."""
    none = [NO_NAME] if (labels == NONE).any() else []
    codes = np.where(labels == NONE, len(names), labels)
    table = composition(cells, Kinds([*names, *none], codes, "niche"), samples)
    numbers = dict(zip([*names, NO_NAME], [*range(len(names)), NONE]))
    table = table.rename(columns={"type": "niche_name"}).drop(columns="part")
    table.insert(2, "niche", table["niche_name"].map(numbers))
    return table
