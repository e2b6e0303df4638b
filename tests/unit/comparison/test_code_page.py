"""Of kept values the page says whether the code of their method is that of today."""

from pathlib import Path

import yaml
from compared import finish, leave
from workflow import ROOT

from spclust.comparison import code_page, report, values
from spclust.comparison import kept as comparison_kept
from spclust.comparison import plan as comparison_plan
from spclust.data.atomic import write_json
from spclust.engine.fingerprint import code_hash
from spclust.plan import settings

SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text())
NOW = code_hash("cluster_cells", "spclust.methods.kmeans")


def plan_of():
    slices = [{"name": "one", "simulate": {}}, {"name": "two", "simulate": {"seed": 1}}]
    runs = [{"name": "kmeans"}, {"name": "ward"}]
    return settings.resolve(SHIPPED | {"datasets": slices, "runs": runs, "seeds": [1, 2]}, {})


def rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_kept_rows_say_whether_the_code_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of()
    codes = {("one", 1): {"code": NOW}, ("one", 2): {"code": "0" * 12}, ("two", 1): {}}
    for (dataset, seed), code in codes.items():
        folder = f"results/{dataset}/preprocess-default/seed-{seed}/method-kmeans"
        leave(Path(folder), 0.5, **code)
    facts = comparison_plan.facts(plan)
    facts["results"] = [
        row if Path(row[3]).is_dir() else [*row[:3], None] for row in facts["results"]
    ]
    assert rows(code_page.page(report.read(facts), facts)) == []  # made anew
    runs, classes = values.tables(report.read(facts))
    assert set(runs["code"].dropna()) == {NOW, "0" * 12}

    kept = tmp_path / "kept"
    kept.mkdir()
    runs.to_csv(kept / "runs.tsv", sep="\t", index=False)
    classes.to_csv(kept / "classes.tsv", sep="\t", index=False)
    write_json(comparison_kept.settings_of(plan), kept / "settings.json")
    facts = comparison_plan.facts(plan, True, kept)
    again = report.read(facts)
    days = runs["made"].iloc[0]
    assert rows(code_page.page(again, facts)) == [
        ["kmeans", "same", "1", "one", days],
        ["kmeans", "changed", "1", "one", days],
        ["kmeans", "unknown", "1", "two", days],
    ]
    # what is kept of it once more says the same
    assert values.tables(again)[0]["code"].tolist() == [NOW, "0" * 12, ""]


def test_values_from_before_code_was_noted_are_unknown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of()
    for dataset, run, seed in plan.results:
        finish(plan, dataset, run, seed)
    facts = comparison_plan.facts(plan, True)
    found = rows(code_page.page(report.read(facts), facts))
    assert [row[:4] for row in found] == [
        ["kmeans", "unknown", "4", "one, two"],
        ["ward", "unknown", "4", "one, two"],
    ]
