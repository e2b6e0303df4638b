"""What results/README.md says of files is what rules, tables and scores are."""

import re

import pandas as pd
import pytest
from places import MEASURED, ROOT

from spclust.data.scores import METRICS
from spclust.plan import written

DECLARED = {
    path: entry for entries in written.declared().values() for path, entry in entries.items()
}
# further columns of a table, as many as there are
FURTHER = re.compile(r"<\w+>$")
KEPT = sorted(
    (table, f"results/comparison/{table.name}")
    for folder in ("small", "blind", "full")
    for table in (MEASURED / "comparison" / folder).glob("*.tsv")
) + sorted(
    (table, f"results/studies/{{study}}/{table.name}")
    for table in (MEASURED / "comparison/studies").glob("*/*.tsv")
)


def outputs():
    """Paths of the rules' outputs, with the names that files.yaml has for them."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        blocks = re.findall(r"^    output:\n((?: {8}.*\n)+)", path.read_text(), re.MULTILINE)
        for block in blocks:
            yield from re.findall(r'"((?:results|resources)/[^"]*)"', block)


def test_every_output_of_a_rule_is_declared():
    known, missing = [re.compile(written.pattern(path)) for path in DECLARED], []
    for output in outputs():
        path = output.replace("{extent}/{study}", "studies/study")
        path = path.replace("{extent}", "comparison").replace("{dataset}", "<dataset>")
        # a folder by a file in it; what lies in one of an analysis is declared in its card
        ways = (path, f"{path}/x.csv", f"{path}/x.png")
        if not path.endswith("/{analysis}") and not any(
            way for way in ways for pattern in known if pattern.fullmatch(way)
        ):
            missing.append(output)
    assert missing == []


def test_declared_rules_are_there():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE)) | {"every rule"}
    assert {entry["rule"] for entry in DECLARED.values()} <= rules


@pytest.mark.parametrize(("table", "path"), KEPT, ids=lambda value: str(value)[-40:])
def test_kept_tables_of_comparisons_have_the_declared_columns(table, path):
    columns = list(DECLARED[path]["columns"])
    there = list(pd.read_csv(table, sep="\t", nrows=0))
    if FURTHER.match(columns[-1]):
        columns = columns[:-1]
        there = there[: len(columns)]
    assert there == columns


def test_every_score_is_explained():
    text = (ROOT / "results/README.md").read_text()
    assert not [
        name for name in METRICS if not re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE)
    ]
