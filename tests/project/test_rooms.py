"""The rooms of the library: what each may import is written at its door, and holds."""

import ast
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from places import SCRIPTS

LIBRARY = SCRIPTS / "spclust"
ROOMS = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists())


def modules_of(path):
    """Dotted names of all modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports():
    """Room to the rooms its modules import, with a module that does."""
    found = defaultdict(dict)
    for room in ROOMS:
        for path in (LIBRARY / room).rglob("*.py"):
            for name in modules_of(path):
                first, *inside = name.split(".")
                if first == "spclust" and inside[0] not in (room, "errors"):
                    found[room].setdefault(inside[0], path.relative_to(LIBRARY))
    return found


def allowed(room):
    """Rooms named in the sentence of a room's ``__init__`` that says what it may import."""
    text = ast.get_docstring(ast.parse((LIBRARY / room / "__init__.py").read_text()))
    said = re.search(r"May import ([^.]*)\.", text)
    assert said, f"{room}/__init__.py does not say what the room may import"
    return set(re.findall(r"\w+", said[1])) & {*ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_door_says(room):
    assert set(imports()[room]) <= allowed(room), imports()[room]


def test_no_two_rooms_need_each_other():
    arrows, done = {room: set(imports()[room]) for room in ROOMS}, set()
    while len(done) < len(ROOMS):
        free = {room for room in ROOMS if arrows[room] <= done} - done
        assert free, {room: arrows[room] - done for room in set(ROOMS) - done}
        done |= free


def test_the_root_holds_no_more_than_three_files():
    assert len([path for path in LIBRARY.iterdir() if path.is_file()]) <= 3


def test_what_snakemake_imports_is_light():
    names = [
        f"spclust.{room}.{path.stem}"
        for room in ("plan", "engine")
        for path in (LIBRARY / room).glob("*.py")
        if path.stem != "__init__"
    ]
    code = f"import importlib, sys\nfor name in {names}:\n    importlib.import_module(name)\n"
    code += "print(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    heavy = {"numpy", "pandas", "scipy", "sklearn", "anndata", "matplotlib", "torch"}
    assert not heavy & set(done.stdout.split())


def test_only_rules_and_adapters_of_the_comparison_know_it():
    for path in LIBRARY.rglob("*.py"):
        if path.parent.name != "comparison":
            assert not [n for n in modules_of(path) if n.startswith("spclust.comparison")], path
