"""Types of cells by the proteins they have and lack.

The tables that ship with the library (``knowledge/signatures.csv``, and of tissues with types of
their own ``knowledge/tissues/<tissue>/signatures.csv``) have a row a type: its
``name``, the wider type that is its ``parent``, what is ``positive`` and ``negative`` in it, the
``tissue``, the ``source``, keys of ``sources.csv``, and which fact was ``suggested_by`` which
labelled study, whose scores flatter it. Positive and negative are lists of markers separated by
``;``, each a protein by its canonical name or several separated by ``|``, any of which will do.
"""

from dataclasses import dataclass

from spclust.data.shipped import KNOWLEDGE, SHIPPED, shipped
from spclust.errors import UserError
from spclust.knowledge.panel import read_knowledge, read_proteins, split


@dataclass(frozen=True)
class Signature:
    """A type of cell.

    Attributes
    ----------
    name : str
    parent : str
        Empty for none.
    positive, negative : tuple of tuple of str
        Markers, each as canonical names of proteins that stand for it, the best first.
    """

    name: str
    parent: str
    positive: tuple
    negative: tuple

    def measured(self, canonical, dispensable=()):
        """The same with proteins that were measured; None where a positive marker was not.

        Parameters
        ----------
        canonical : set of str
        dispensable : collection of tuple of str
            Positive markers that may be missing as long as another is there.
        """
        positive, negative = (
            tuple(tuple(name for name in marker if name in canonical) for marker in markers)
            for markers in (self.positive, self.negative)
        )
        positive = tuple(
            there
            for there, marker in zip(positive, self.positive)
            if there or marker not in dispensable
        )
        if not positive or not all(positive):
            return None
        # what is missing cannot speak against a type
        return Signature(self.name, self.parent, positive, tuple(filter(None, negative)))


def read_signatures(tables=(SHIPPED,), proteins=None):
    """Tables of types laid over each other; a row of a later one replaces its namesake.

    Parameters
    ----------
    tables : sequence of str
        Paths of CSV files with the columns ``name``, ``positive`` and, if they like, the others;
        ``shipped`` is the library's own.
    proteins : DataFrame, optional
        What :func:`spclust.knowledge.panel.read_proteins` returns.

    Returns
    -------
    dict of str to Signature

    Raises
    ------
    UserError
        Naming file and row, for a protein or a parent that is in no table.
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures, places = {}, {}
    for table in map(str, _files(tables)):
        rows = read_knowledge(table, "signatures", ("name", "positive"))
        for line, row in zip(rows.index, rows.to_dict("records")):
            name, place = row["name"], f"{table}, line {line}"
            markers = {column: _markers(row.get(column, "")) for column in ("positive", "negative")}
            for protein in (p for group in markers.values() for marker in group for p in marker):
                if protein not in proteins.index:
                    raise UserError(
                        f"{place}: {protein!r} is not a name in the table of proteins; "
                        "write it as there, or add a row for it (config: knowledge.proteins)"
                    )
            if not markers["positive"]:
                raise UserError(f"{place}: {name!r} has no positive marker; a type needs one")
            signatures[name] = Signature(name, row.get("parent", ""), **markers)
            places[name] = place
    for name, signature in signatures.items():
        seen = {name}
        while signature.parent:
            if signature.parent not in signatures or signature.parent in seen:
                raise UserError(
                    f"{places[name]}: the parent {signature.parent!r} is not the name of another "
                    "row, or is its own descendant; leave it empty or name a wider type of "
                    "the tables"
                )
            seen.add(signature.parent)
            signature = signatures[signature.parent]
    return signatures


def _files(tables):
    """Paths of tables, of the library's own with those of tissues."""
    own = [KNOWLEDGE / path for path in shipped("signatures")]
    return [path for table in tables for path in (own if table == SHIPPED else [table])]


def read_knowledge_tables(files):
    """What is known of types and of proteins, from the input files of a rule.

    Parameters
    ----------
    files : mapping of ``signatures`` and ``proteins`` to lists of paths

    Returns
    -------
    (dict of str to Signature, DataFrame)
    """
    proteins = read_proteins(files["proteins"])
    return read_signatures(files["signatures"], proteins), proteins


def told_by(canonical, signatures, inherited=False):
    """The types that these proteins can tell, each with the markers that were measured.

    Parameters
    ----------
    canonical : set of str
    signatures : dict of str to Signature
    inherited : bool
        A marker that a type has from a wider one may be missing: in a panel without CD3 a CD8 T
        cell is told by CD8.

    Returns
    -------
    dict of str to Signature
    """
    measured = {}
    for name, signature in signatures.items():
        wider = lineage_of(name, signatures)[1:] if inherited else []
        of_wider = {marker for other in wider for marker in signatures[other].positive}
        measured[name] = signature.measured(canonical, of_wider)
    return {name: signature for name, signature in measured.items() if signature is not None}


def _markers(text):
    return tuple(tuple(name.strip() for name in part.split("|")) for part in split(text))


def lineage_of(name, signatures):
    """The type and those above it, the narrowest first; parents that are not known end it."""
    lineage = []
    while name in signatures:
        lineage.append(name)
        name = signatures[name].parent
    return lineage
