"""What pages say can be followed, and what they repeat was measured."""

import re
import shutil

import pytest
import yaml
from places import MEASURED, ROOT
from workflow import publish_script

from spclust.plan import documentation, settings

PAGES = [*documentation.pages(), *sorted(MEASURED.resolve().glob("*/*.md"))]
# pages of configuration, whose examples are laid over the shipped one
CONFIGURED = [
    ROOT.resolve() / "README.md",
    *(path for path in documentation.pages() if "config" in path.relative_to(ROOT.resolve()).parts),
]
COMMANDS = ("make", "snakemake", "python", "python3", ".venv/bin/pip", "pip", "source")


def named(path):
    return str(path.relative_to(ROOT.resolve()))


def blocks(page, language):
    """Blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def anchors(page):
    """Anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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


def test_the_readme_is_short_and_shows_before_it_explains():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    picture, commands = text.index("](config/images/demo.png)"), text.index("```bash\nmake demo")
    assert picture < text.index("\n## ") < commands
    assert (ROOT / "config/images/demo.png").stat().st_size <= 300_000


def test_the_index_of_the_configuration_is_short_and_names_every_page():
    text = (ROOT / "config/README.md").read_text()
    assert len(text.splitlines()) <= 80
    there = {path.name for path in (ROOT / "config/docs").glob("*.md")}
    assert there == set(re.findall(r"^\| \[docs/(\w+\.md)\]", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_points_to_is_there(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for link in (link for link in links if "://" not in link):
        path, _, anchor = link.partition("#")
        to = page.parent / path if path else page
        assert to.exists(), link
        assert not anchor or anchor in anchors(to), link


@pytest.mark.parametrize("page", CONFIGURED, ids=named)
def test_the_examples_of_a_page_resolve(page, tmp_path, monkeypatch):
    """Each is laid over the shipped configuration, with the files that it names at hand."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    knowledge = ROOT / "workflow_scripts/spclust/knowledge/proteins.csv"
    shutil.copy(knowledge, tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path)
    for text in blocks(page, "yaml"):
        example = yaml.safe_load(text)
        plan = settings.resolve(shipped | example)
        assert plan.results, text


@pytest.mark.parametrize("page", documentation.pages(), ids=named)
def test_the_commands_of_a_page_are_there(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    rules = {
        name
        for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
        for name in re.findall(r"^rule (\w+):", path.read_text(), re.MULTILINE)
    }
    text = page.read_text()
    for command in re.findall(r"`make ([\w-]+)`", text):
        assert command in targets, command
    lines = [line for block in blocks(page, "bash") for line in block.splitlines() if line.strip()]
    for line in lines:
        program, *words = line.split("#")[0].split()
        assert program in COMMANDS, line
        if program == "make":
            assert set(words) <= targets, line
        if program == "snakemake" and not words[0].startswith("-"):
            assert words[0] in rules, line
        for path in (word for word in words if re.match(r"(config|tests|envs)/", word)):
            assert (ROOT / path).exists(), line
        for option in (word for word in words if word.startswith("--workflow-profile")):
            assert (ROOT / words[words.index(option) + 1]).is_dir(), line
