"""Fingerprints of the library code behind a rule, since Snakemake tracks scripts only."""

import ast
import hashlib
from functools import cache
from pathlib import Path

_LIBRARY = Path(__file__).parents[1]
# modules that only say things: an edit must not make results stale
_SILENT = {"spclust.errors", "spclust.engine.failures", "spclust.engine.logs"}


def code_hash(script, *modules):
    """Fingerprint of the library code that a script uses, directly or through other modules.

    Snakemake notices an edited script but not an edited module that the script imports. What is
    hashed are the syntax trees without docstrings: comments, layout and documentation change
    no result.

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
    todo, seen = [_LIBRARY.parent / f"{script}.py"], set()
    todo += [_module_file(m) for m in modules]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [_module_file(m) for m in _read(path)[1] if m not in _SILENT]
    # the adapter itself is tracked by Snakemake
    digest = hashlib.sha256()
    for path in sorted(p for p in seen if _LIBRARY in p.parents):
        digest.update(_read(path)[0])
    return digest.hexdigest()[:12]


def modules_in(folder):
    """Dotted names of the modules in a folder of the library, which are loaded by name."""
    files = sorted((_LIBRARY / folder).glob("*.py"))
    parts = [path.relative_to(_LIBRARY).with_suffix("").parts for path in files]
    return [".".join(["spclust", *names]) for names in parts if names[-1] != "__init__"]


def _read(path):
    """What a source file says, as bytes, and which modules of this library it imports."""
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path, _):
    tree = ast.parse(path.read_bytes())
    names = list(_imports(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        # a docstring, or any other text that stands alone
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            if isinstance(body[0].value, ast.Constant):
                del body[0]
    return ast.dump(tree).encode(), names


def _imports(tree):
    """Dotted names of this library's modules that a source file imports anywhere in it."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (n for n in names if n.split(".")[0] == "spclust" and _module_file(n))


def _module_file(name):
    base = _LIBRARY.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
