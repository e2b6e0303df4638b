"""Edits that make results stale change the fingerprint, others do not."""

import shutil

import pytest

from spclust.engine import fingerprint


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
    [("graphs.py", True), ("parts/graphs.py", True), ("plots/maps.py", False), ("logs.py", False)],
)
def test_code_hash_follows_the_imports_of_a_script(library, edited, noticed):
    before = fingerprint.code_hash("build_graphs")
    with (library / edited).open("a") as file:
        file.write("\nEDITED = True\n")
    assert (fingerprint.code_hash("build_graphs") != before) == noticed


def test_comments_layout_and_docstrings_change_no_result(library):
    before, path = fingerprint.code_hash("build_graphs"), library / "graphs.py"
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


def test_modules_loaded_by_name_are_listed_from_their_folder(library):
    (library / "methods/new.py").write_text("")
    found = fingerprint.modules_in("methods")
    assert {"spclust.methods.new", "spclust.methods.leiden"} <= set(found)
    assert "spclust.methods.__init__" not in found
