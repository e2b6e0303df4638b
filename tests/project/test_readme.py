"""What the README repeats is what was measured."""

import re

import pytest
from workflow import ROOT, publish_script


def test_the_results_are_those_of_the_committed_comparison():
    module = publish_script()
    remedy = "python tests/measured/comparison/publish.py writes them"
    for labels in ("cell types", "regions"):
        head, _, *rows = [line.split("|")[1:-1] for line in module.table(labels).splitlines()]
        assert "spclust" in {row[0].strip() for row in rows}
        for dataset, *cells in list(zip(head, *rows))[1:-1]:
            assert any("**" in cell for cell in cells), f"{dataset} has no best"
    # the sentences of the comparison itself, made before its tables were written
    assert module.in_short() in (module.SMALL / "summary.md").read_text()
    for page, text in module.pages().items():
        assert page.read_text() == text, remedy


@pytest.mark.parametrize("page", ["README.md", "tests/measured/comparison/README.md"])
def test_what_a_page_points_to_is_there(page):
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text())
    here = {link for link in links if "://" not in link}
    assert len(here) >= 5
    assert [link for link in here if not (ROOT / page).parent.joinpath(link).exists()] == []
