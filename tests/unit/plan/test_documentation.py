"""Tables in the pages are those that schemas, stages and cards give."""

import re

import pytest
import yaml
from places import ROOT

from spclust.plan import analyses, cards, documentation
from spclust.plan.stages import STAGES


@pytest.mark.parametrize("page", documentation.pages(), ids=lambda path: path.stem)
def test_a_page_is_in_step_with_what_it_documents(page):
    assert page.read_text() == documentation.filled(page.read_text()), "run `make docs`"


def test_every_table_stands_in_one_page():
    marks = [
        mark[2]
        for page in documentation.pages()
        for mark in documentation.MARKED.finditer(page.read_text())
    ]
    assert sorted(marks) == sorted(documentation.BLOCKS)


def test_every_setting_is_documented():
    written = "".join(page.read_text() for page in documentation.pages())
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    kinds = [STAGES, cards.load(), analyses.load()]
    keys = [key for kind in kinds for entry in kind.values() for key in entry.settings]
    for key in (*shipped, *keys):
        assert f"`{key}" in written, key


def test_a_mark_of_an_unknown_table_is_an_error():
    with pytest.raises(KeyError, match="nothing"):
        documentation.filled("<!-- nothing, by make docs -->\n<!-- end -->\n")


def test_marks_are_whole():
    """A mark that was mistyped would leave a table as it is for ever."""
    for page in documentation.pages():
        text = page.read_text()
        opened = len(re.findall("by make docs", text))
        assert opened == len(documentation.MARKED.findall(text)), page.name
