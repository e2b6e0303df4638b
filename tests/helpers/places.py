"""Where things lie in the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow_scripts"
TESTS = ROOT / "tests"
MEASURED = TESTS / "measured"
