"""Fingerprints of the library code behind a rule, since Snakemake tracks scripts only.

What only says something counts for nothing, so that an edit of it makes no result stale:

- comments, layout, docstrings;
- calls of a module's logger (``log = logging.getLogger(...)``) that stand alone, with an ``if``
  that holds nothing else and whose condition calls nothing, the logger itself, and
  ``import logging``. So what a log call's arguments compute must change nothing: no random draw,
  no ``next``. One that binds a name or yields counts;
- texts in a ``raise``, and in an ``...Error(...)`` that is returned or given a name. So no code may
  go by the words of an error of this library. A text that is put together before counts.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

_LIBRARY = Path(__file__).parents[1]
# modules that only say things: an edit must not make results stale
_SILENT = {"spclust.errors", "spclust.engine.failures", "spclust.engine.logs"}
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


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


def _read(path):
    """What a source file says, as bytes, and which modules of this library it imports."""
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path, _):
    tree = ast.parse(path.read_bytes())
    names = list(_imports(tree))  # before any is left out
    return written(essence(tree)).encode(), names


def written(node):
    """A syntax tree as text; unlike that of ``ast.dump`` the same in every version of Python."""
    if isinstance(node, list):
        return f"[{','.join(map(written, node))}]"
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, getattr(node, name, None)) for name in node._fields if name != "ctx")
    # later versions have more fields, which are empty
    fields_of = [f"{name}={written(value)}" for name, value in fields if value not in (None, [])]
    return f"{type(node).__name__}({','.join(fields_of)})"


def essence(tree):
    """A module's syntax tree, changed in place, without what only says something."""
    loggers = [node for node in tree.body if _makes_logger(node)]
    tree.body = [node for node in tree.body if node not in loggers]
    return _Essence({node.targets[0].id for node in loggers}).visit(tree)


def _makes_logger(node):
    made = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    return made and isinstance(node.value, ast.Call) and _called(node.value) == "getLogger"


def _called(call):
    """Last part of the name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _holds(node, *kinds):
    return any(isinstance(inside, kinds) for inside in ast.walk(node))


class _Essence(ast.NodeTransformer):
    def __init__(self, loggers):
        self.loggers = loggers

    def visit(self, node):
        # no statement stands in an expression, and most nodes do
        return node if isinstance(node, ast.expr) else super().visit(node)

    def generic_visit(self, node):
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]
        return node

    def visit_Import(self, node):
        node.names = [alias for alias in node.names if alias.name != "logging"]
        return node if node.names else None

    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) or self._logs(node.value) else node

    def visit_If(self, node):
        self.generic_visit(node)
        says = all(isinstance(inside, ast.Pass) for inside in node.body) and not node.orelse
        acts = _holds(node.test, ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
        return None if says and not acts else node

    def visit_Raise(self, node):
        return _Wordless().visit(node)

    def visit_Return(self, node):
        name = _called(node.value) if isinstance(node.value, ast.Call) else ""
        is_error = name[:1].isupper() and name.endswith("Error")
        return _Wordless().visit(node) if is_error else node

    visit_Assign = visit_Return

    def _logs(self, value):
        logs = isinstance(value, ast.Call) and _called(value) in _LEVELS
        of = getattr(getattr(value, "func", None), "value", None)
        logs = logs and isinstance(of, ast.Name) and of.id in self.loggers
        return logs and not _holds(value, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


class _Wordless(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node):
        return ast.Constant("")


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
