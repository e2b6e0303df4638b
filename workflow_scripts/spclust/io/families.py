"""Names that a laboratory wrote around its markers: ``log_CD3``, ``CD3_scaled``, ``ch01_CD3``.

No program's, so no list holds them; they show as what many known markers of a table share.
"""

import re

from spclust.knowledge.channel_names import take_apart
from spclust.knowledge.other_columns import background, gate, kind
from spclust.knowledge.panel import recognise

# known markers that must share it, in number and as a share of all; a wider table is one of genes
FEWEST, SHARE, WIDEST = 3, 0.3, 5000
_SEPARATOR = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
# of the protein itself: another is meant
_FORM = set("p phospho cleaved total pan anti active acetyl c soluble".split())
# what was measured first is worth less than what was made of it
_EARLIER = re.compile(r"orig|raw|uncorr|unscaled|before", re.I)


def shared(markers, proteins):
    """What unknown names share around known ones.

    Parameters
    ----------
    markers : list of str
        As :func:`spclust.knowledge.channel_names.take_apart` leaves them.
    proteins : sequence of str or None
        Canonical name of each, where it is known.

    Returns
    -------
    list of (str, str, int)
        For each the marker, what is written around it with ``#`` for any number, empty where that
        is nothing, and its rank among others of one table.
    """
    same = [(marker, "", 0) for marker in markers]
    if len(markers) > WIDEST:
        return same
    parts = {marker: _parted(marker) for marker in markers}
    rests = sorted({rest for found in parts.values() for rest, _ in found})
    meant = dict(zip(rests, recognise(rests)["canonical"]))
    by_affix = {}
    for marker, protein in zip(markers, proteins):
        for rest, affix in parts[marker] if protein is None else ():
            if meant[rest] is not None:
                by_affix.setdefault(affix, set()).add(meant[rest])
    fewest = max([FEWEST, *(SHARE * len(of) for of in by_affix.values())])
    sizes = {a: len(of) for a, of in by_affix.items() if len(of) >= fewest and _around(a)}
    ranks = sorted(sizes, key=lambda a: (bool(_EARLIER.search(a)), -sizes[a]))
    for row, (marker, protein) in enumerate(zip(markers, proteins)):
        of = [(sizes[a], len(a), rest, a) for rest, a in parts[marker] if a in sizes]
        # CD14_c12 is known as it is, and CD3_c1 is not
        of = [one for one in of if meant[one[2]] is not None and protein in (None, meant[one[2]])]
        if of:
            _, _, rest, affix = max(of)
            same[row] = take_apart(rest).marker, affix, 1 + ranks.index(affix)
    return same


def _parted(name):
    """Ways to part a name into a rest and what stands before or behind it."""
    parted = []
    for gap in list(_SEPARATOR.finditer(name))[:8]:
        for rest, affix in (
            (name[gap.end() :], name[: gap.end()] + "…"),
            (name[: gap.start()], "…" + name[gap.start() :]),
        ):
            if rest and (gap[0] or affix.endswith("…")):
                parted.append((rest, re.sub(r"\d+", "#", affix)))
    return parted


def _around(affix):
    """Whether something says neither another kind of column nor another form of the protein."""
    text = affix.strip("…").strip(" _:.-")
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", text)}
    another_form = affix.endswith("…") and words & _FORM
    return not (kind(text) or gate(text) or background(text) or another_form)
