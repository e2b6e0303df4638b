"""Which columns of a per-cell table are markers: by positive evidence, one column a marker.

A column is a marker because its name is that of a protein, or lies in a family of columns that
programs write around markers, or because the format or the user says so. Names that are unknown
stay in where they stand among known ones and their values are of the same kind. Reference labels
take no part in the choice.
"""

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spclust.errors import UserError
from spclust.io import evidence, families
from spclust.knowledge.channel_names import INTENSITIES, PARTS, take_apart
from spclust.knowledge.other_columns import background
from spclust.knowledge.panel import recognise

# where a marker was measured in several parts of the cell: what comes first is taken
_COMPARTMENT_ORDER = ("cell", "", "cytoplasm", "ring", "membrane", "nucleus")


@dataclass
class Channels:
    """Columns that are markers.

    Attributes
    ----------
    columns : list of str
        In the order of the table.
    var : DataFrame
        Indexed by readable names: ``column`` and the parts of the name that any has.
    left_out : dict of str to list of str
        Numeric columns that are none, by reason.
    measures : dict of (str, str) to int
        Compartment and statistic to the number of columns taken.
    others : dict of (str, str) to int
        The same of columns that measure the same markers otherwise.
    unknown : list of str
        Columns taken though their names are not known.
    """

    columns: list
    var: pd.DataFrame
    left_out: dict = field(default_factory=dict)
    measures: dict = field(default_factory=dict)
    others: dict = field(default_factory=dict)
    unknown: list = field(default_factory=list)


def choose(
    frame,
    columns,
    *,
    stated=None,
    measure=None,
    shown=None,
    keep_backgrounds=False,
    by_user=False,
):
    """The columns that are markers.

    Parameters
    ----------
    frame : DataFrame
    columns : list of str
        Those that may be.
    stated : list of str, optional
        Columns that the format or the user says are channels. Backgrounds are taken out even of
        them, and of those of a format what by its name is something else.
    measure : dict, optional
        ``compartment`` and ``statistic`` to take, where there are several.
    shown : dict of str to str, optional
        Columns to the names they stand for.
    keep_backgrounds : bool
        Channels without a protein stay in.
    by_user : bool
        The user states them, so that several of one marker are meant.

    Returns
    -------
    Channels
        Without columns where nothing speaks for any.
    """
    shown = shown or {}
    names = [shown.get(c, c) for c in columns]
    table = pd.DataFrame({"column": columns, "name": names}, dtype=object)
    table = pd.concat([table, _parts(names)], axis=1)
    # of a renamed channel the file's name still says which stack it is of
    own = [take_apart(column).marker for column in columns]
    table["own"] = np.where(table["column"] == table["name"], table["marker"], own)
    proteins = list(recognise(names)["canonical"])
    of_lab = families.shared(list(table["marker"]), proteins)
    table["marker"], table["around"], table["rank"] = (
        map(list, zip(*of_lab)) if names else ([],) * 3
    )
    table["known"] = pd.Series(proteins, dtype=object).notna() | (table["around"] != "")
    reasons = pd.Series("", index=table.index, dtype=object)
    looks = evidence.looks(frame, columns)
    table = pd.concat([table, looks], axis=1)
    reasons[~table["numeric"]] = "not numbers"
    if not keep_backgrounds:
        evidence.give(reasons, table["name"].map(background))
    if stated is None:
        evidence.by_evidence(table, reasons)
    else:
        evidence.give(reasons, np.where(table["column"].isin(stated), "", evidence.NOT_STATED))
        if not by_user:
            evidence.by_values(table, reasons)
    others = {} if by_user and not measure else _one_measure(table, reasons, measure or {})
    taken = table[reasons == ""]
    left = (table["numeric"] | table["known"]) & (reasons != "")
    others_by_reason = table[left].groupby(reasons[left], sort=False)["column"]
    return Channels(
        list(taken["column"]),
        _var(taken),
        {why: list(names) for why, names in others_by_reason},
        dict(Counter(zip(taken["compartment"], taken["statistic"]))),
        others,
        list(taken.loc[~taken["known"], "column"]),
    )


def _parts(names):
    parts = [take_apart(name) for name in names]
    return pd.DataFrame({key: [getattr(p, key) for p in parts] for key in ("marker", *PARTS)})


def _one_measure(table, reasons, measure):
    """Keep one column a marker; counts of the others by compartment and statistic.

    Raises
    ------
    UserError
        When no column is measured as asked.
    """
    free = table[reasons.isin(["", evidence.OTHER_MEASURE])]
    markers = free["marker"].str.casefold().to_numpy()
    allowed = np.ones(len(free), dtype=bool)
    for part, wanted in measure.items():
        allowed &= (free[part] == wanted).to_numpy()
    if measure and not allowed.any():
        there = Counter(zip(free["compartment"], free["statistic"]))
        raise UserError(
            f"`measure` of the dataset: no column holds {said(measure_of(measure))}; there are "
            f"{', '.join(f'{said(m)} ({n})' for m, n in there.most_common(12))}"
        )
    order = free["compartment"].map(_COMPARTMENT_ORDER.index) * 100
    order += [
        INTENSITIES.index(s) if s in INTENSITIES else len(INTENSITIES) for s in free["statistic"]
    ]
    order += free["rank"] / (1 + free["rank"].max())
    if not measure:
        # what is no amount is taken only where it is asked for
        allowed &= (reasons[free.index] == "").to_numpy()
    best = {}
    for row, marker, rank, fits in zip(free.index, markers, order, allowed):
        if fits and rank < best.get(marker, (np.inf,))[0]:
            best[marker] = rank, row
    kept = {row for _, row in best.values()}
    others = Counter()
    for row, marker in zip(free.index, markers):
        if row in kept:
            reasons[row] = ""
        elif marker in best:
            # two channels of one marker are measured apart: cycle or dye tell them apart
            twin = best[marker][1]
            alike = ["compartment", "statistic", "around"]
            same = all(table[key][row] == table[key][twin] for key in alike)
            reasons[row] = "" if same else evidence.OTHER_MEASURE
            of = table["compartment"][row], table["around"][row] or table["statistic"][row]
            others.update([] if same else [of])
        else:
            reasons[row] = "not measured so" if measure else evidence.OTHER_MEASURE
    return dict(others)


def measure_of(measure):
    """A measure as the pair that :func:`said` says."""
    return measure.get("compartment", ""), measure.get("statistic", "")


def said(measure):
    """A compartment and a statistic in words."""
    compartment, statistic = measure
    words = statistic or ("value" if compartment else "one value a cell")
    return f"{words} of the {compartment}" if compartment else words


def _var(taken):
    """Features with the parts of their names."""
    parts = ["compartment", "statistic", "mask", "dye", "cycle", "metal"]
    kept = [part for part in parts if (taken[part] != "").any()]
    return taken[["column", *kept]].set_axis(readable(taken["marker"], taken["name"]), axis=0)


def readable(markers, names):
    """Names of features: markers, and the whole name of those that two features have.

    Parameters
    ----------
    markers, names : sequence of str

    Returns
    -------
    Index of str
    """
    twice = Counter(markers)
    short = [m if twice[m] == 1 else n for m, n in zip(markers, names)]
    return pd.Index(short if len(set(short)) == len(short) else list(names), dtype=object)


def renamed(columns, given, own, source):
    """What columns stand for: as the user says, else as the format does.

    Parameters
    ----------
    columns : list of str
    given : dict of str to str
        ``rename`` of the dataset: a column, the marker in its name or the last part of that
        (``c1`` of ``FullStack_c1``) to the marker meant.
    own : dict of str to str
        The format's.
    source : str
        File, for messages.

    Returns
    -------
    dict of str to str

    Raises
    ------
    UserError
        For a name that no column has.
    """
    shown = dict(own)
    markers = {c: take_apart(own.get(c, c)).marker for c in columns}
    for old, new in given.items():
        found = [c for c in columns if c == old]
        found = found or [c for c in columns if markers[c] == old]
        found = found or [c for c in columns if re.search(rf"[_ :.-]{re.escape(old)}$", markers[c])]
        if not found:
            near = difflib.get_close_matches(old, [*columns, *set(markers.values())], 1, cutoff=0.5)
            hint = f"; did you mean  {near[0]}: {new}" if near else ""
            some = ", ".join(list(dict.fromkeys(markers.values()))[:60])
            raise UserError(
                f"{source}: `rename` of the dataset: no column is called {old!r}{hint}. Channels "
                f"are: {some}"
            )
        for column in found:
            now = shown.get(column, column)
            shown[column] = now.replace(markers[column], new) if markers[column] in now else new
    return shown
