"""What the README repeats is what was measured."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_results_are_those_of_the_committed_comparison():
    path = ROOT / "tests/comparison/publish.py"
    spec = importlib.util.spec_from_file_location("publish", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    remedy = "python tests/comparison/publish.py writes them"
    for labels, slices in (("cell types", 5), ("regions", 1)):
        table = module.table(labels)
        assert "| spclust | " in table and table.count("**") == 2 * slices  # a best on each
    for page, text in module.pages().items():
        assert page.read_text() == text, remedy
