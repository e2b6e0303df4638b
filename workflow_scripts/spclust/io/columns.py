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
from spclust.io import families
from spclust.knowledge.channel_names import INTENSITIES, PARTS, take_apart
from spclust.knowledge.other_columns import background, gate, kind, numbered, unnamed
from spclust.knowledge.panel import recognise

# rows that are looked at, and values up to which whole numbers are codes of something
ROWS, CODES = 2000, 100
# an unknown column is like the known ones up to this factor of their largest and smallest
ALIKE = 100
# where a marker was measured in several parts of the cell: what comes first is taken
_COMPARTMENT_ORDER = ("cell", "", "cytoplasm", "ring", "membrane", "nucleus")
OTHER_MEASURE, NOT_STATED = "other measures of these markers", "not stated"
UNKNOWN, UNNAMED, FLAG = "unknown names", "channels without a name", "gate or flag"
BINARY, FEW = "0 or 1", "whole numbers of few values"
GATES = ("positive", "completeness")


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
    looks = _looks(frame, columns)
    table = pd.concat([table, looks], axis=1)
    reasons[~table["numeric"]] = "not numbers"
    if not keep_backgrounds:
        _give(reasons, table["name"].map(background))
    if stated is None:
        _by_evidence(table, reasons)
    else:
        _give(reasons, np.where(table["column"].isin(stated), "", NOT_STATED))
        if not by_user:
            _by_values(table, reasons)
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


def _give(reasons, new):
    """Set reasons where there is none yet."""
    free = reasons == ""
    reasons[free] = pd.Series(new, index=reasons.index, dtype=object)[free]


def _looks(frame, columns):
    """What the values of each column are like, judged by some rows.

    Returns
    -------
    DataFrame
        ``numeric``, ``whole`` (only whole numbers), ``few`` (up to :data:`CODES` values),
        ``binary`` (0 and 1), ``counting`` (1, 2, 3, ...), ``low`` and ``high``.
    """
    rows = np.unique(np.linspace(0, len(frame) - 1, min(ROWS, len(frame))).astype(int))
    some = frame[columns].iloc[rows]
    kinds = some.dtypes
    values = np.full(some.shape, np.nan)
    plain = np.array([t.kind in "iuf" for t in kinds])
    values[:, plain] = some.loc[:, plain].to_numpy(dtype=float, na_value=np.nan)
    for j in np.flatnonzero([t.kind not in "iufb" for t in kinds]):
        values[:, j] = pd.to_numeric(some.iloc[:, j], errors="coerce")
    there = np.isfinite(values).sum(axis=0)
    # a column of markers with a typing error is still meant as one, and refused later by name
    numeric = there * 2 > np.maximum(some.notna().sum(axis=0).to_numpy(), 1)
    values = np.where(np.isfinite(values), values, np.nan)
    ordered = np.sort(values, axis=0)  # missing ones last
    with np.errstate(invalid="ignore"):
        whole = numeric & (np.nan_to_num(values) % 1 == 0).all(axis=0)
        distinct = (np.diff(ordered, axis=0) > 0).sum(axis=0) + (there > 0)
        steps = np.diff(values, axis=0)
        step = steps / np.diff(rows)[:, None] if len(rows) > 1 else steps
        counting = whole & (len(rows) > 2) & (step == 1).all(axis=0)
    low, high = np.nan_to_num(ordered[0]), np.nan_to_num(np.nanmax(np.nan_to_num(values), axis=0))
    return pd.DataFrame(
        {
            "numeric": numeric,
            "whole": whole,
            "few": whole & (distinct <= CODES) & (distinct > 1),
            "binary": whole & (distinct == 2) & (low == 0) & (high == 1),
            "counting": counting,
            "low": low,
            "high": high,
        }
    )


def _by_values(table, reasons):
    """Give a reason to what stands among a format's channels and is a code, a gate or a number."""
    _give(reasons, np.where(table["statistic"].isin(GATES) | table["name"].map(gate), FLAG, ""))
    _give(reasons, np.where(~table["known"], table["name"].map(kind), ""))
    _give(reasons, _row_numbers(table))
    if (table["known"] & (reasons == "")).any():
        # an isotope that a format or its panel states may well be all the name there is
        _give(reasons, np.where(~table["known"] & table["name"].map(numbered), UNNAMED, ""))
    # of counts, as of genes, a few values are as good as many
    numbers = table[reasons == ""]
    if numbers["whole"].mean() < 0.5:
        _give(reasons, np.where(table["binary"], BINARY, ""))
        _give(reasons, np.where(table["few"], FEW, ""))
    if numbers["few"].mean() < 0.5:
        _give(reasons, np.where(table["few"] & ~table["known"], FEW, ""))


def _row_numbers(table):
    """A reason for columns that number the rows."""
    return np.where(table["counting"] & ~table["known"], "name or number", "")


def _by_evidence(table, reasons):
    """Give a reason to every column that nothing speaks for."""
    statistic, known = table["statistic"], table["known"]
    _give(reasons, np.where(statistic.isin(GATES) | table["name"].map(gate), FLAG, ""))
    _give(reasons, np.where(~statistic.isin(INTENSITIES), OTHER_MEASURE, ""))
    # families of one pattern that only programs write; their names need not be known
    of_program = (statistic != "") | (table["cycle"] != "") | (table["mask"] != "")
    renamed = table["own"] != table["marker"]
    _give(reasons, np.where(of_program & (~known | renamed), table["own"].map(kind), ""))
    _give(reasons, np.where(_other_stacks(table, reasons), "another stack of the channels", ""))
    program = of_program & (reasons == "")
    bare = ~of_program
    numbers = table[(known | of_program) & (reasons == "")]
    real = not len(numbers) or numbers["whole"].mean() < 0.5
    gates = not len(numbers) or numbers["binary"].mean() < 0.5
    _give(reasons, np.where(bare & table["binary"] & gates, BINARY, ""))
    _give(reasons, np.where(bare & known & table["few"] & real, FEW, ""))
    _give(reasons, np.where(bare & ~known, table["name"].map(kind), ""))
    _give(reasons, _row_numbers(table))
    certain = bare & known & (reasons == "")
    if certain.sum() < 2 and not program.any():
        _give(reasons, UNKNOWN)
        return
    unknown = bare & ~known
    _give(reasons, np.where(unknown & table["name"].map(unnamed), UNNAMED, ""))
    many = not len(numbers) or numbers["few"].mean() < 0.5
    _give(reasons, np.where(unknown & table["few"] & many, FEW, ""))
    if program.sum() > 1 or certain.sum() < 2:
        _give(reasons, np.where(unknown, UNKNOWN, ""))
        return
    _give(reasons, np.where(unknown & ~_like(table, certain), "unlike the markers", ""))
    beside = _beside(reasons, certain)
    _give(reasons, np.where(unknown & ~beside, "far from the markers", ""))


def _other_stacks(table, reasons):
    """Channels by number, ``FullStack_c1``, of other stacks than the one of most channels."""
    stacks = (
        table["own"]
        .where((reasons == "") & (table["around"] == ""))
        .str.extract(r"^(\w+)_c\d+$")[0]
    )
    sizes = stacks.value_counts()
    if len(sizes) < 2:
        return pd.Series(False, index=table.index)
    # FullStackFiltered goes before FullStack, of which it was made
    best = max(sizes.index, key=lambda stack: (sizes[stack], len(stack)))
    return stacks.notna() & (stacks != best)


def _like(table, known):
    """Whether values are of the kind of those of known markers."""
    some = table[known]
    low, high = some["high"].quantile(0.05) / ALIKE, some["high"].quantile(0.95) * ALIKE
    like = table["high"].between(low, high)
    if (some["low"] >= 0).all():
        like &= table["low"] >= 0
    if some["whole"].mean() < 0.5:
        like &= ~table["whole"] | (table["low"] == table["high"])
    elif some["whole"].all():
        like &= table["whole"]
    return like


def _beside(reasons, known):
    """Whether a column stands in one run with a known marker, channels without one between."""
    channels = (reasons == "") | reasons.isin(["background", "nuclear stain", "histone mark"])
    runs = (channels != channels.shift()).cumsum()
    with_known = set(runs[known])
    return runs.isin(with_known)


def _one_measure(table, reasons, measure):
    """Keep one column a marker; counts of the others by compartment and statistic.

    Raises
    ------
    UserError
        When no column is measured as asked.
    """
    free = table[reasons.isin(["", OTHER_MEASURE])]
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
            reasons[row] = "" if same else OTHER_MEASURE
            of = table["compartment"][row], table["around"][row] or table["statistic"][row]
            others.update([] if same else [of])
        else:
            reasons[row] = "not measured so" if measure else OTHER_MEASURE
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
