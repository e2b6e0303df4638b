"""The markers of a table as the configuration says, or as its columns tell, and words for both."""

import json
import logging
import re

import numpy as np
import pandas as pd

from spclust.errors import UserError
from spclust.io import columns, evidence, tables
from spclust.io.roles import exclusions, pattern, refuse_twins
from spclust.knowledge.channel_names import STATISTICS

log = logging.getLogger(__name__)

# names that are printed of one group of columns; of a list to paste
SHOWN, PASTED = 12, 40
# adjusted mutual information with the reference labels above which a column that may be a code
# of classes is not taken for a measurement
LEAK = 0.5


def of_table(table, cfg, taken, source):
    """Columns that are markers.

    Parameters
    ----------
    table : Table
    cfg : dict
        ``proteins`` (a list is taken as it is, a regular expression chooses), ``exclude_proteins``,
        ``measure`` and ``rename``; what is left out is judged by :mod:`spclust.io.columns`.
    taken : set of str
        Columns known to be something else.
    source : str
        File, for messages.

    Returns
    -------
    Channels
    dict
        Lines that fix what was judged by names.

    Raises
    ------
    UserError
        When a named column does not exist, a pattern is wrong, or nothing is left.
    """
    named, measure = cfg.get("proteins"), cfg.get("measure")
    candidates = [c for c in table.frame.columns if c not in taken]
    shown = columns.renamed(candidates, cfg.get("rename", {}), table.renamed, source)
    if isinstance(named, list):
        return _listed(named, table, candidates, shown, source), {}
    chosen = named if named is not None else table.roles.get("proteins")
    if isinstance(chosen, str):
        wanted = pattern(chosen, "proteins")
        chosen = [c for c in candidates if wanted.search(c) or wanted.search(shown.get(c, c))]
    found = columns.choose(
        table.frame,
        candidates,
        stated=chosen,
        measure=measure,
        shown=shown,
        keep_backgrounds=cfg.get("exclude_proteins") == [],
        by_user=named is not None,
    )
    _exclude(found, cfg, candidates, source)
    _tell(found, table, cfg, source)
    if not found.columns:
        refuse_twins(found.left_out.get(evidence.UNKNOWN, []), table)
        raise UserError(_nothing(found, table, cfg, source))
    guessed = {} if chosen is not None else _lines(found, candidates, cfg)
    return found, guessed


def read_names(path):
    """What channels stand for, from a CSV or TSV with the columns ``channel`` and ``name``.

    Returns
    -------
    dict of str to str
        Without channels that have no name.

    Raises
    ------
    UserError
        When a column is missing or a channel named twice.
    """
    table = tables.read(path, text=["channel", "name"])
    for column in ("channel", "name"):
        if column not in table.frame:
            raise UserError(
                f"{path}: `rename` is a table with the columns channel and name, and {column} is "
                f"missing; its columns are {_some(table.frame.columns)}"
            )
    named = table.frame.dropna(subset=["channel", "name"])
    twice = np.flatnonzero(named["channel"].duplicated())
    if len(twice):
        raise UserError(
            f"{table.place(named.index[twice[0]], 'channel')}: the channel "
            f"{named['channel'].iloc[twice[0]]!r} is named twice; remove one"
        )
    return dict(zip(named["channel"], named["name"]))


def _listed(named, table, candidates, shown, source):
    for name in named:
        tables.require(name, candidates, "proteins", source)
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise UserError(f"{source}: `proteins` of the dataset lists {twice[0]!r} twice; remove one")
    return columns.choose(
        table.frame, named, stated=named, shown=shown, keep_backgrounds=True, by_user=True
    )


def _exclude(found, cfg, candidates, source):
    """Take out the columns of ``exclude_proteins``."""
    patterns = exclusions(cfg, candidates, source)
    none = [c for c in found.columns if any(p.search(c) for p in patterns)]
    if none:
        kept = [c not in none for c in found.columns]
        found.left_out["exclude_proteins"] = none
        found.var = found.var[kept]
        found.columns = [c for c in found.columns if c not in none]
        found.unknown = [c for c in found.unknown if c not in none]


def _tell(found, table, cfg, source):
    """Say what is taken as a marker, how it was measured, and what is not taken and why."""
    lines = [f"{len(found.columns)} markers: {_some(found.var.index)}"]
    if any(any(measure) for measure in found.measures):
        lines.append(f"  measured as {_counted(found.measures)}")
    if found.others:
        line = f"  there are also {_counted(found.others)}"
        asked = [m for m in found.others if any(m) and m[1] in ("", *STATISTICS)]
        if asked:
            best = max(asked, key=found.others.get)
            parts = {k: v for k, v in zip(("compartment", "statistic"), best) if v}
            words = ", ".join(f"{k}: {v}" for k, v in parts.items())
            line += f"; for these write e.g.  measure: {{{words}}}"
        lines.append(line)
    if found.unknown and "proteins" not in cfg:
        lines.append(f"  {len(found.unknown)} names among them are unknown: {_some(found.unknown)}")
    for why, names in found.left_out.items():
        if why in (evidence.OTHER_MEASURE, evidence.NOT_STATED):
            continue
        line = f"  not taken, {why} ({len(names)}): {_some(names)}"
        if why in BACKGROUNDS and "exclude_proteins" not in cfg:
            line += "; to keep all such write  exclude_proteins: []"
        lines.append(line)
    silent = "proteins" in cfg and len(lines) == 1
    log.log(logging.INFO if silent else logging.WARNING, "%s: %s", source, "\n    ".join(lines))
    log.info("columns of markers: %s", ", ".join(found.columns))


BACKGROUNDS = ("background", "nuclear stain", "histone mark")


def _counted(measures):
    ordered = sorted(measures.items(), key=lambda item: -item[1])
    words = ", ".join(f"{columns.said(measure)} ({n})" for measure, n in ordered[:SHOWN])
    return words + (", ..." if len(ordered) > SHOWN else "")


def _some(names):
    names = list(map(str, names))
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _lines(found, candidates, cfg):
    """What to paste into the dataset's entry so that the same columns are taken again."""
    lines = {}
    if found.others and len(found.measures) == 1 and "measure" not in cfg and any(*found.measures):
        ((compartment, statistic),) = found.measures
        measure = {"compartment": compartment, "statistic": statistic}
        lines["measure"] = {key: value for key, value in measure.items() if value}
    if len(found.columns) <= PASTED:
        lines["proteins"] = found.columns
    return lines


def _nothing(found, table, cfg, source):
    """Why there are no markers, and a line that names some."""
    if "proteins" in cfg or "exclude_proteins" in cfg:
        seen = _some(table.frame.columns)
        return (
            f"{source}: no protein columns were found; name them as  proteins:  of the dataset, a "
            f"list or one regular expression. Columns are: {seen}"
        )
    unknown = found.left_out.get(evidence.UNKNOWN, [])
    line = f"; if these are markers, paste  proteins: {json.dumps(unknown, ensure_ascii=False)}"
    return (
        f"{source}: no protein columns were found, since no name is that of a protein"
        f"{line if unknown else ''}. Name them as  proteins:  of the dataset, a list or one "
        "regular expression, or say what channels are by  rename: {c1: CD3}. Columns are: "
        f"{_some(table.frame.columns)}"
    )


def refuse_leaks(frame, found, label, cfg, source):
    """Stop where a marker of unknown name may be a code of the reference labels.

    The choice of features does not depend on labels; this only asks.

    Parameters
    ----------
    frame : DataFrame
    found : Channels
    label : str or None
        Column of reference labels.
    cfg : dict
        A list as ``proteins`` is the answer.
    source : str
        File, for messages.

    Raises
    ------
    UserError
        Where a column of at most a hundred whole numbers has an adjusted mutual information above
        :data:`LEAK` with the labels.
    """
    if label is None or isinstance(cfg.get("proteins"), list):
        return
    rows = np.unique(np.linspace(0, len(frame) - 1, 20_000).astype(int))
    labelled = rows[frame[label].iloc[rows].notna().to_numpy()]
    classes = pd.factorize(frame[label].iloc[labelled].astype(str))[0]
    of_classes = _entropy(classes)
    for column, values in _perhaps_whole(frame, found.unknown, labelled):
        codes, numbers = np.unique(values, return_inverse=True)
        if len(codes) > evidence.CODES or not np.array_equal(codes, np.round(codes)):
            continue
        # the adjusted information takes long, and is never above this
        both = _entropy(classes * len(codes) + numbers)
        of_codes = _entropy(numbers)
        if of_classes + of_codes - both <= LEAK * (of_classes + of_codes) / 2:
            continue
        from sklearn.metrics import adjusted_mutual_info_score

        shared = adjusted_mutual_info_score(classes, numbers)
        if shared > LEAK:
            line = json.dumps([f"^{re.escape(column)}$"])
            raise UserError(
                f"{source}: column {column!r} holds whole numbers that agree with the labels "
                f"{label!r} (adjusted mutual information {shared:.2f}, allowed is {LEAK}), so it "
                "may be an earlier clustering and no marker; leave it out with  "
                f"exclude_proteins: {line}  or, if it is a marker, list all as  proteins:"
            )


def _perhaps_whole(frame, names, rows):
    """Columns without a fraction in their first rows, and their values in some rows."""
    head = frame[names].head(200).select_dtypes("number")
    fractions = set(head.columns[(head.to_numpy(dtype=float, na_value=np.nan) % 1 > 0).any(axis=0)])
    names = [name for name in names if name not in fractions]
    # many columns at once, as columns one by one take long where there are thousands
    for start in range(0, len(names), 500):
        part = frame[names[start : start + 500]].iloc[rows]
        odd = part.select_dtypes(exclude=["number", "bool"]).columns
        part = part.assign(**{c: pd.to_numeric(part[c], errors="coerce") for c in odd})
        yield from zip(part.columns, part.to_numpy(dtype=float, na_value=np.nan).T)


def _entropy(codes):
    """Entropy of an array of codes from 0."""
    share = np.bincount(codes)
    share = share[share > 0] / len(codes)
    return -(share * np.log(share)).sum()
