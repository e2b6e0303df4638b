"""Edits that make results stale change the fingerprint, others do not."""

import ast
import shutil

import pytest

from spclust.engine import fingerprint

SOURCE = '''
import logging

log = logging.getLogger(__name__)


def halved(x, most):
    """Half of a number."""
    if x > most:
        log.warning("%s is more than %s", x, most)
    if not most:
        raise UserError(f"most is {most}; raise it")
    left = log.isEnabledFor(10)
    for part in (x, most):
        log.info("a part: %s", part)
    return x / 2
'''
SAME = {
    "a docstring": ("Half of a number.", "The half."),
    "no docstring": ('    """Half of a number."""\n', ""),
    "a comment": ("return x / 2", "# the half\n    return x / 2"),
    "layout": ("(x, most):\n        log", "(\n        x,\n        most,\n    ):\n        log"),
    "words of a log line": ("%s is more than %s", "%s > %s"),
    "the level of a log line": ("log.warning", "log.info"),
    "values in a log line": ('"a part: %s", part', '"a part: %s of %s", part, x'),
    "a log line more": ("return x", "log.debug(x)\n    return x"),
    "one under a condition more": ("return x", "if x > 3:\n        log.info(x)\n    return x"),
    "one on the condition's line": ("return x", "if x > 3: log.info(x)\n    return x"),
    "one under the other condition": ('; raise it")', '")\n    elif x:\n        log.info(x)'),
    "a condition of a log line": ("x > most:", "x >= most:"),
    "a log line less": ('    log.info("a part: %s", part)', "    pass"),
    "words of an error": ("most is {most}; raise it", "{most}: too little"),
    "an error without values": ('f"most is {most}; raise it"', '"too little"'),
}
OTHER = {
    "a value": ("x / 2", "x / 3"),
    "the condition of an error": ("not most", "most < 1"),
    "the kind of an error": ("UserError(", "ValueError("),
    "an error that is a number": ('UserError(f"most is {most}; raise it")', "SystemExit(3)"),
    "a condition that calls": ("x > most:\n        log", "next(x):\n        log"),
    "a log call whose value is used": ("isEnabledFor(10)", "error(10)"),
    "a log line that binds a name": ('"a part: %s", part', '"a part: %s", x := part'),
    "a log line of something else": ('log.info("a part: %s", part)', "part.log.info(3)"),
    "a text that is no error's": ("return x / 2", 'return "half"'),
    "what a loop goes over": ("(x, most)", "(most, x)"),
}


def essence(source):
    return fingerprint.written(fingerprint.essence(ast.parse(source)))


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_an_edit_of_what_is_only_said_keeps_the_fingerprint(old, new):
    assert old in SOURCE and essence(SOURCE.replace(old, new)) == essence(SOURCE)


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER)
def test_an_edit_of_what_is_done_changes_the_fingerprint(old, new):
    assert old in SOURCE and essence(SOURCE.replace(old, new)) != essence(SOURCE)


@pytest.mark.parametrize("place", ["return {}", "error = {}", "raise broken({})"])
def test_the_words_of_an_error_count_nowhere(place):
    one, other = (
        f"def e():\n    {place}".format(f"UserError({said})") for said in ("f'{x}'", "''")
    )
    assert essence(one) == essence(other)
    assert essence(one) != essence(one.replace("UserError", "KeyError"))


def test_the_first_log_line_of_a_module_changes_no_result():
    new = (
        "import logging\nlog = logging.getLogger(__name__)\ndef f():\n    log.info(1)\n    return 1"
    )
    assert essence(new) == essence("def f():\n    return 1")


def test_a_log_call_without_a_logger_of_the_module_counts():
    assert essence("import numpy as log\nlog.log(1)") != essence("import numpy as log\nlog.log(2)")


def test_what_is_hashed_of_each_module_is_a_module_without_log_lines():
    for path in fingerprint._LIBRARY.rglob("*.py"):
        tree = fingerprint.essence(ast.parse(path.read_bytes()))
        compile(ast.fix_missing_locations(tree), str(path), "exec")
        attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
        said = {node.attr for node in attributes if getattr(node.value, "id", "") == "log"}
        assert path.stem in ("logs", "failures") or not said & fingerprint._LEVELS, path


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library that may be edited."""
    scripts = tmp_path / "workflow_scripts"
    shutil.copytree(
        fingerprint._LIBRARY.parent, scripts, ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(fingerprint, "_LIBRARY", scripts / "spclust")
    return scripts / "spclust"


@pytest.mark.parametrize(
    ("edited", "noticed"),
    [
        ("stages/graphs.py", True),
        ("neighbours/knn.py", True),
        ("plots/maps.py", False),
        ("engine/logs.py", False),
    ],
)
def test_code_hash_follows_the_imports_of_a_script(library, edited, noticed):
    before = fingerprint.code_hash("build_graphs")
    with (library / edited).open("a") as file:
        file.write("\nEDITED = True\n")
    assert (fingerprint.code_hash("build_graphs") != before) == noticed


def test_comments_layout_and_docstrings_change_no_result(library):
    before, path = fingerprint.code_hash("build_graphs"), library / "stages/graphs.py"
    text = path.read_text()
    path.write_text("# a comment\n" + text.replace('"""', '"""Edited. ', 1) + "\n\n# more\n")
    assert fingerprint.code_hash("build_graphs") == before


def test_code_hash_follows_a_recipe_loaded_by_name(library):
    before = fingerprint.code_hash("cluster_cells", "spclust.methods.leiden")
    other = fingerprint.code_hash("cluster_cells", "spclust.methods.kmeans")
    with (library / "methods/leiden.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert fingerprint.code_hash("cluster_cells", "spclust.methods.leiden") != before
    assert fingerprint.code_hash("cluster_cells", "spclust.methods.kmeans") == other
