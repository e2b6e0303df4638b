"""Cells with two markers that no cell has both of: is the second that of a cell next door?"""

import numpy as np
import pandas as pd

from spclust.knowledge.panel import recognise
from spclust.neighbours.knn import neighbour_pairs

NEIGHBOURS = 6
FEWEST = 20  # cells with a marker, without which its pairs are not looked at
# two populations, else no cell can be said to have the marker
LEAST_SEPARATION = 1.5
COLUMNS = [
    "marker_1",
    "marker_2",
    "types",
    "cells_1",
    "cells_2",
    "both",
    "share",
    "by_chance",
    "next_door",
    "next_door_others",
    "explained",
    "area_ratio",
]


def impossible_pairs(signatures):
    """Pairs of proteins of which each speaks for a type that the other speaks against.

    Parameters
    ----------
    signatures : dict of str to Signature

    Returns
    -------
    dict of (str, str) to str
        Both in alphabetical order; the two types, for the reader.
    """
    against = {}
    for name, signature in signatures.items():
        own = {protein for group in signature.positive for protein in group}
        for other in (protein for group in signature.negative for protein in group):
            for protein in own - {other}:
                # the widest type comes first in the table
                against.setdefault((protein, other), name)
    return {
        (a, b): f"{against[a, b]} / {against[b, a]}"
        for a, b in against
        if a < b and (b, a) in against
    }


def pair_table(tissue, table, signatures, proteins):
    """A row an impossible pair that was measured.

    Parameters
    ----------
    tissue : Tissue
    table : DataFrame
        Of :func:`spclust.analyses.quality.markers.marker_table`.
    signatures : dict of str to Signature
    proteins : DataFrame

    Returns
    -------
    DataFrame
        Most cells with both against the rarer one's first; see the card.
    """
    canonical = recognise(tissue.columns, proteins)["canonical"]
    named = {name: j for j, name in reversed(list(enumerate(canonical))) if name is not None}
    impossible = impossible_pairs(signatures)
    measured = [pair for pair in impossible if set(pair) <= named.keys()]
    used = sorted({named[p] for pair in measured for p in pair})
    clear = [j for j in used if table["separation"][j] >= LEAST_SEPARATION]
    everywhere = np.arange(len(tissue.ids))
    cutoff = table["cutoff"].to_numpy()
    x = dict(zip(clear, tissue.scaled(everywhere, clear).T)) if clear else {}
    has = {j: x[j] > cutoff[j] for j in clear}
    clear = [j for j in clear if FEWEST <= has[j].sum() <= 0.9 * len(everywhere)]
    near = _next_door(tissue)
    # how far above its threshold a cell is, in deviations, to say which of two it has less of
    excess = {j: (x[j] - cutoff[j]) / max(x[j].std(), 1e-12) for j in clear}
    door = {j: near(has[j]) for j in clear} if near else {}
    area = None if tissue.area() is None else tissue.obs[tissue.area()].to_numpy()
    rows = []
    for pair in measured:
        i, j = named[pair[0]], named[pair[1]]
        if i in clear and j in clear:
            row = _pair(has[i], has[j], excess[i] < excess[j], door.get(i), door.get(j), area)
            rows.append([tissue.names[i], tissue.names[j], impossible[pair], *row])
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _next_door(tissue):
    """From a mask to whether one of each cell's six nearest is in it; None without places."""
    placed = np.flatnonzero(np.isfinite(tissue.places).all(axis=1))
    if len(placed) <= NEIGHBOURS:
        return None
    cells, near = neighbour_pairs(tissue.places[placed], tissue.image[placed], NEIGHBOURS)
    cells, near, n = placed[cells], placed[near], len(tissue.ids)
    return lambda mask: np.bincount(cells, mask[near], minlength=n) > 0


def _pair(first, second, first_weaker, door_first, door_second, area):
    """Numbers of one pair, in the order of COLUMNS."""
    both, n = first & second, len(first)
    rarer, commoner = sorted((int(first.sum()), int(second.sum())))
    share = both.sum() / rarer
    next_door = others = explained = ratio = np.nan
    if door_first is not None and both.sum():
        # the marker that a cell has less of may have come over from a neighbour that has it
        weaker_first = both & first_weaker
        weaker_second = both & ~first_weaker
        next_door = np.r_[door_first[weaker_first], door_second[weaker_second]].mean()
        # the same of cells that have the stronger marker alone
        parts = [
            (weaker_first.sum(), door_first[second & ~first]),
            (weaker_second.sum(), door_second[first & ~second]),
        ]
        parts = [(weight, of.mean()) for weight, of in parts if len(of) and weight]
        if parts:
            others = np.average([p for _, p in parts], weights=[w for w, _ in parts])
            explained = max(0.0, (next_door - others) / (1 - others)) if others < 1 else 0.0
    if area is not None and both.sum():
        single = area[(first | second) & ~both]
        usual = np.nanmedian(single) if len(single) else np.nan
        ratio = np.nanmedian(area[both]) / usual if usual > 0 else np.nan
    by_chance = commoner / n
    return [
        first.sum(),
        second.sum(),
        both.sum(),
        share,
        by_chance,
        next_door,
        others,
        explained,
        ratio,
    ]
