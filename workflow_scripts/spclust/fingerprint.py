"""Fingerprints of the library code behind a rule, since Snakemake tracks scripts only."""

import ast
import hashlib
from pathlib import Path

_LIBRARY = Path(__file__).parent
# modules that only say things: an edit must not make results stale
_SILENT = {"spclust.errors", "spclust.logs"}


def code_hash(script, *modules):
    """Fingerprint of the library code that a script uses, directly or through other modules.

    Snakemake notices an edited script but not an edited module that the script imports.

    Parameters
    ----------
    script : str
        Name of an adapter, without ``.py``.
    modules : str
        Dotted names of modules that the script loads by name.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    todo, seen = [_LIBRARY.parent / f"{script}.py"], {}
    todo += [_module_file(m) for m in modules]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        source = path.read_bytes()
        seen[path] = source
        todo += [_module_file(m) for m in _imports(source) if m not in _SILENT]
    # the adapter itself is tracked by Snakemake
    digest = hashlib.sha256()
    for path in sorted(p for p in seen if _LIBRARY in p.parents):
        digest.update(seen[path])
    return digest.hexdigest()[:12]


def _imports(source):
    """Dotted names of this library's modules that a source file imports anywhere in it."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [n for n in names if n.split(".")[0] == "spclust" and _module_file(n) is not None]


def _module_file(name):
    base = _LIBRARY.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
