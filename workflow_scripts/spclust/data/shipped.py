"""Tables of knowledge that ship with the library, by tissue.

Imported by Snakemake itself, so it may use the standard library only.
"""

from pathlib import Path, PurePosixPath

from spclust.errors import UserError

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"
SHIPPED = "shipped"
# whose types are told without being asked for: no protein of theirs is one of another tissue
UNASKED = ("kidney",)


def tissues():
    """Tissues with types of their own."""
    return sorted(path.parent.name for path in KNOWLEDGE.glob("tissues/*/signatures.csv"))


def shipped(table, tissue=None):
    """The library's own tables, general ones first, those of tissues later.

    Parameters
    ----------
    table : {'proteins', 'signatures'}
    tissue : str or list of str, optional
        Whose types there may be; left out, those of ``UNASKED``.

    Returns
    -------
    list of PurePosixPath
        Below the folder ``knowledge``.
    """
    asked = UNASKED if tissue is None else [tissue] if isinstance(tissue, str) else tissue
    places = [PurePosixPath(f"tissues/{one}/{table}.csv") for one in asked]
    there = [place for place in places if (KNOWLEDGE / place).exists()]
    return [PurePosixPath(f"{table}.csv"), *there]


def named(knowledge, table):
    """The tables that a configuration names.

    Parameters
    ----------
    knowledge : dict
        Its section: ``proteins``, a list of paths, and ``signatures``, such a list or ``tissue``
        and ``tables``.
    table : {'proteins', 'signatures'}

    Returns
    -------
    list of str or PurePosixPath
        Paths as they are written, and those of :func:`shipped`.

    Raises
    ------
    UserError
        For a tissue without types.
    """
    signatures, tissue = knowledge.get("signatures", [SHIPPED]), None
    if isinstance(signatures, dict):
        tissue = signatures["tissue"]
        for one in [tissue] if isinstance(tissue, str) else tissue:
            if one not in tissues():
                raise UserError(
                    f"knowledge.signatures.tissue: {one!r} has no table of types; there are "
                    f"{', '.join(tissues())}; without any write  signatures: [shipped]"
                )
        signatures = signatures.get("tables", [SHIPPED])
    paths = signatures if table == "signatures" else knowledge.get(table, [SHIPPED])
    return [
        found for path in paths for found in (shipped(table, tissue) if path == SHIPPED else [path])
    ]
