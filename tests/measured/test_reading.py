"""Tables of laboratories are read rightly, or refused with a line that helps."""

import importlib.util

import pytest
from places import MEASURED

SCRIPT = MEASURED / "reading/read_tables.py"


@pytest.fixture(scope="module")
def read_tables():
    spec = importlib.util.spec_from_file_location("read_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_shared_table_and_case_is_read_rightly(read_tables, shared_tables):
    table = read_tables.table(shared_tables.parent).set_index("file")
    wrong = table["verdict"][~table["verdict"].str.startswith(("right", "refused, rightly"))]
    assert not len(wrong), wrong.to_dict()
    assert len(table) > 60


def test_a_wrong_reading_is_seen(read_tables, shared_tables):
    """The table is no formality: other answers are told from right ones."""
    cases = shared_tables.parent / "cases"
    files = ["11_unique_region/cells.csv"]
    for right in ({"cells": 118}, {"cells": 119, "images": "a"}, {"refused": "x: null"}):
        assert read_tables.of_case(cases, "a case", right | {"files": files})["verdict"].startswith(
            "wrong"
        )
