"""What the names of proteins say: which protein is meant, and what it is good for.

The table that ships with the library (``knowledge/proteins.csv``) has a row a protein: its
``name`` (approved symbol), ``aliases``, ``role`` (``lineage`` tells cell types apart, ``state``
is activation, cycle, checkpoint or signalling, ``structure`` matrix and cytoskeleton,
``technical`` nuclei and background), a ``note`` and the ``source``, a key of ``sources.csv``.
"""

import logging
import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data.shipped import KNOWLEDGE, SHIPPED
from spclust.errors import UserError
from spclust.knowledge.channel_names import take_apart

log = logging.getLogger(__name__)

ROLES = ("lineage", "state", "structure", "technical")
# where a cell sits says of what type it is, what it does at the moment does not
CLUSTERING = ("lineage", "structure")
COLUMNS = ("name", "aliases", "role", "note", "source")
# with fewer recognised lineage markers a panel cannot do without the others
FEWEST_LINEAGE = 8

_GREEK = {"alpha": "a", "beta": "b", "gamma": "g", "delta": "d", "epsilon": "e", "zeta": "z"}
_GREEK |= dict(zip("αβγδεζ", "abgdez"))
_SPELLED = re.compile("|".join(_GREEK))
# what comes after a name beside what programs write there: clone, channel, cycle, dye
_AFTER = re.compile(
    r"(?=[a-z0-9/]*\d)(?=[a-z0-9/]*[a-z])(?!cd\d|p[sty]\d|k\d+(me|ac|ub))[a-z0-9/]{3,}"
    r"|ab|ab\d|clone|ch\d*|cyc\d*|cycle|pe|apc|opal|\d{3}|mask|protein|antibody",
    re.IGNORECASE,
)
# after these the text is a remark: "CD4 - T helper cells", "CD8 (C8144B)"
_REMARK = re.compile(r"\s+[-–—]\s+|[:(\[|]")


def key(name):
    """A name as names are compared: without case and separators, Greek letters as Latin ones."""
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    text = _SPELLED.sub(lambda letter: _GREEK[letter[0]], text)
    # between digits something stays: CD3-1 is not CD31
    text = re.sub(r"(?<=\d)[^a-z0-9]+(?=\d)", "/", text)
    return re.sub(r"[^a-z0-9/]|(?<!\d)/|/(?!\d)", "", text)


def read_proteins(tables=(SHIPPED,)):
    """Tables of proteins laid over each other; a row of a later one replaces its namesake.

    Parameters
    ----------
    tables : sequence of str
        Paths of CSV files with the columns ``name``, ``role`` and, if they like, the others;
        ``shipped`` is the library's own.

    Returns
    -------
    DataFrame
        Indexed by canonical name: ``aliases`` (list of str), ``role``, ``note``, ``source``.

    Raises
    ------
    UserError
        Naming file and row, for a role that is none and a name that two rows claim.
    """
    return _read_proteins(tuple(map(str, tables)))


@cache
def _read_proteins(tables):
    by_name = {}
    for table in tables:
        rows = read_knowledge(table, "proteins", ("name", "role"))
        for line, row in zip(rows.index, rows.to_dict("records")):
            if row["role"] not in ROLES:
                raise UserError(
                    f"{table}, line {line}: the role of {row['name']!r} is {row['role']!r}; it is "
                    f"one of {', '.join(ROLES)}"
                )
            row["aliases"] = split(row.get("aliases", ""))
            by_name[row["name"]] = {column: row.get(column, "") for column in COLUMNS}
    proteins = pd.DataFrame(by_name.values(), columns=COLUMNS).set_index("name")
    _by_key(proteins)  # two rows that claim one name are told of here
    return proteins


def read_knowledge(table, shipped, required):
    """Rows of a CSV of knowledge as text, indexed by their line in the file."""
    path = KNOWLEDGE / f"{shipped}.csv" if table == SHIPPED else Path(table)
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise UserError(f"knowledge.{shipped}: {path} cannot be read ({error})") from error
    if not isinstance(rows.index, pd.RangeIndex):
        raise UserError(
            f"{path}: its rows have more fields than its header has names; put what holds a comma "
            'in quotes, e.g.  "CD4, naive"'
        )
    missing = [column for column in required if column not in rows]
    if missing:
        raise UserError(f"{path}: lacks the columns {', '.join(missing)}; give it a header line")
    rows.index += 2
    return rows.rename_axis("line")


def split(text):
    """Parts of a cell that holds several, separated by ``;``."""
    return [part.strip() for part in text.split(";") if part.strip()]


def _by_key(proteins):
    """Key of every name and alias to the canonical name."""
    names = {}
    # a canonical name goes before any alias of the same key
    for name in proteins.index:
        names[key(name)] = name
    for name, aliases in proteins["aliases"].items():
        for alias in aliases:
            other = names.setdefault(key(alias), name)
            if other != name:
                raise UserError(
                    f"knowledge.proteins: {alias!r} is claimed by {other!r} and {name!r}; take it "
                    "out of one row"
                )
    return names


def recognise(names, proteins=None):
    """Which protein each name means.

    A name is compared as a whole, never by a part of a word: CD3 is not in CD31. What is
    taken off before a second look is what programs write around a marker
    (:mod:`spclust.knowledge.channel_names`), ``anti-``, remarks (``CD4 - T helper cells``,
    ``CD8 (C8144B)``) and clones at the end (``CD3_UCHT1``), the last only where they stand apart.

    Parameters
    ----------
    names : sequence of str
    proteins : DataFrame, optional
        What :func:`read_proteins` returns; left out, the library's own.

    Returns
    -------
    DataFrame
        A row a name, in their order: ``name`` as given, ``canonical`` and ``role``, both
        missing where the name is unknown.
    """
    proteins = read_proteins() if proteins is None else proteins
    canonical_by_key = _by_key(proteins)
    numbered = {name for name, role in proteins["role"].items() if role == "technical"}
    canonical = [_meant(str(name), canonical_by_key, numbered) for name in names]
    roles = [None if name is None else proteins.at[name, "role"] for name in canonical]
    return pd.DataFrame(
        {"name": list(map(str, names)), "canonical": canonical, "role": roles}, dtype=object
    )


def _meant(name, by_key, numbered):
    """Canonical name, or None."""
    whole = by_key.get(key(name))
    if whole is not None:
        return whole
    name = take_apart(name).marker
    head, *remarks = _REMARK.split(name, maxsplit=1)
    protein = by_key.get(key(head)) or _without_decoration(head, by_key, numbered)
    # a remark that names another protein: who can say which of the two was measured
    other = by_key.get(key(remarks[0])) if remarks and protein else None
    return protein if other in (None, protein) else None


def _without_decoration(name, by_key, often_numbered):
    words = re.split(r"[\s_\-,;.]+", name.strip())
    while words and words[0].casefold() in ("anti", "human", "ms", "rb", "hu"):
        words = words[1:]
    for end in range(len(words), 0, -1):
        protein, rest = by_key.get(key(" ".join(words[:end]))), words[end:]
        if protein is None:
            continue
        if len(rest) == 1 and rest[0].isdigit():
            # PTPRC-1, as doubled names are made unique, and DNA_10; but CK-7 is another than CK
            own = key(protein) == key(" ".join(words[:end]))
            return protein if protein in often_numbered or (own and rest[0] in "123") else None
        plain = all(_AFTER.fullmatch(word) and key(word) not in by_key for word in rest)
        # digits alone may tell members of a family apart, beside a dye they say its channel
        return protein if plain and not (rest and rest[0].isdigit()) else None
    return None


def same_features(names, others, proteins=None, genes=False):
    """Which of some features each of others is, however it is spelled.

    Parameters
    ----------
    names, others : sequence of str
        Features of two panels.
    proteins : DataFrame, optional
    genes : bool
        Names are of genes, of which the chains of a protein are several: only spelling counts.

    Returns
    -------
    dict of str to str
        Others to names: the same letter by letter, else without case and separators and what
        programs write around a marker, else the same protein; only where one of each is meant.
    """
    found = {name: name for name in set(names) & set(others)}
    markers = [lambda panel: [key(take_apart(str(name)).marker) for name in panel]]
    if not genes:
        markers.append(lambda panel: recognise(panel, proteins)["canonical"])
    for said in markers:
        free = [name for name in names if name not in found.values()]
        rest = [name for name in others if name not in found]
        ours, theirs = _once(free, said(free)), _once(rest, said(rest))
        found |= {theirs[what]: ours[what] for what in theirs.keys() & ours.keys()}
    return found


def _once(names, said):
    """What is said of exactly one name, to that name."""
    times = Counter(said)
    return {what: name for name, what in zip(names, said) if what and times[what] == 1}


def chosen(names, panel, proteins=None, where="preprocess.<name>.panel"):
    """Which features cluster.

    Parameters
    ----------
    names : sequence of str, d of them
    panel : {'all', 'lineage', 'auto'} or list of str
        ``lineage``: those whose role is lineage or structure, and unknown names. ``auto``: as
        ``lineage`` where at least 8 lineage markers are recognised, else ``all``. A list names
        them, as the data do or by any alias.
    proteins : DataFrame, optional
    where : str
        Key of the configuration, for messages.

    Returns
    -------
    array of bool, shape (d,)

    Raises
    ------
    UserError
        For a listed name that the data lack, or fewer than two features to cluster by.
    """
    names = np.asarray(names, dtype=object)
    if panel == "all":
        return np.ones(len(names), dtype=bool)
    table = recognise(names, proteins)
    if not isinstance(panel, str):
        return _listed(table, panel, proteins, where)
    lineage, unknown = table["role"] == "lineage", table["canonical"].isna()
    number = table.loc[lineage, "canonical"].nunique()
    if panel == "auto" and number < FEWEST_LINEAGE:
        log.info(
            "%s: auto takes all %d features, %d of them known lineage markers (fewer than %d)",
            where,
            len(names),
            number,
            FEWEST_LINEAGE,
        )
        return np.ones(len(names), dtype=bool)
    if number < 2:
        raise UserError(
            f"{where}: lineage, but of {len(names)} names {number} is known as a lineage marker "
            f"(e.g. {', '.join(names[:5])}); set panel: all, or list the names that cluster"
        )
    if unknown.any():
        log.info(
            "%s: %d names are unknown and stay in: %s",
            where,
            unknown.sum(),
            ", ".join(names[unknown][:20]),
        )
    mask = (table["role"].isin(CLUSTERING) | unknown).to_numpy()
    _tell(names, mask, where)
    return mask


def _listed(table, panel, proteins, where):
    """Mask of the names in a list."""
    asked = recognise(panel, proteins)
    mask = np.zeros(len(table), dtype=bool)
    for name, canonical in zip(asked["name"], asked["canonical"]):
        here = (table["name"] == name).to_numpy()
        if not here.any() and canonical is not None:
            here = (table["canonical"] == canonical).to_numpy()
        if not here.any():
            raise UserError(
                f"{where}: no feature is called {name!r}; there are {', '.join(table['name'][:60])}"
            )
        mask |= here
    if mask.sum() < 2:
        raise UserError(f"{where}: lists one feature; clustering needs at least two")
    _tell(table["name"].to_numpy(), mask, where)
    return mask


def _tell(names, mask, where):
    if not mask.all():
        log.info(
            "%s: %d of %d features cluster; left to markers, figures and export: %s (to have "
            "them back set panel: all)",
            where,
            mask.sum(),
            len(names),
            ", ".join(names[~mask]),
        )
