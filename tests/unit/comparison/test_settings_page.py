"""The page of settings says what each run had, as it was resolved."""

import pytest
import yaml
from workflow import ROOT, publish_script

from spclust.comparison import plan as comparison_plan
from spclust.comparison import settings_page as comparison_settings
from spclust.plan import settings

SLICES = [
    {"name": "one", "simulate": {"n_cells": 100}},
    {"name": "two", "simulate": {"n_cells": 200}},
]


def page(**config):
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    plan = settings.resolve(shipped | {"datasets": SLICES, "seeds": [1]} | config)
    return comparison_settings.page(comparison_plan.facts(plan))


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """Cells of each row of the table in a section, without spaces about them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines][2:]


def test_a_run_is_told_with_its_stages_and_what_it_changes():
    found = page(
        method={"few": {"recipe": "kmeans", "n_init": 2}},
        preprocess={
            "mine": {
                "cofactor": 7.0,
                "panel": ["a|b", "c"],
                "modalities": {"rna": {"scale": False}},
            }
        },
        runs=[{"name": "kmeans"}, {"name": "few", "preprocess": "mine"}, {"name": "truth"}],
    )
    kmeans = section(found, "kmeans")
    assert "KMeans on the features; scikit-learn." in kmeans
    assert '`{"n_init": 20}`' in kmeans
    assert "\nFrom: the spClust paper's appendix B.2" in kmeans
    assert rows(kmeans) == [
        ["kmeans", "preprocess default", ""],
        ["few", "preprocess mine", '`{"n_init": 2}`'],
    ]
    assert "From" not in section(found, "truth")
    # a pipe would end the cell, and of modalities only what is changed is told
    changed = r'{"cofactor": 7.0, "modalities": {"rna": {"scale": false}}, "panel": ["a\|b", "c"]}'
    assert f"| preprocess | mine | `{changed}` |" in section(found, "Stages")


def test_the_default_of_a_stage_is_this_configurations_and_whole():
    found = page(preprocess={"default": {"cofactor": 3.0}}, runs=[{"name": "leiden"}])
    stages = {tuple(row[:2]): row[2] for row in rows(section(found, "Stages"))}
    assert set(stages) == {("preprocess", "default"), ("graphs", "default"), ("graphs", "leiden")}
    assert yaml.safe_load(stages["preprocess", "default"].strip("`"))["cofactor"] == 3.0
    changed = yaml.safe_load(stages["graphs", "leiden"].strip("`"))
    assert changed == {
        "expression_space": "raw",
        "expression_weights": "umap",
        "spatial_graph": "none",
    }


def test_a_run_that_is_kept_to_some_slices_says_to_which():
    found = page(runs=[{"name": "kmeans"}, {"name": "ward", "datasets": ["two"]}])
    assert rows(section(found, "kmeans"))[0][0] == "kmeans"
    assert rows(section(found, "ward"))[0][0] == "ward (two)"


def test_a_run_that_is_another_on_some_slices_has_a_row_for_each():
    found = page(
        method={"few": {"recipe": "kmeans", "n_init": 2}},
        runs=[
            {"name": "kmeans", "datasets": ["one"]},
            {"name": "kmeans", "method": "few", "datasets": ["two"]},
        ],
    )
    assert rows(section(found, "kmeans")) == [
        ["kmeans (one)", "preprocess default", ""],
        ["kmeans (two)", "preprocess default", '`{"n_init": 2}`'],
    ]


@pytest.mark.parametrize(
    ("folder", "study"), publish_script().STUDIES.items(), ids=["small", "blind", "full"]
)
def test_the_kept_page_is_made_of_the_values_beside_it(folder, study):
    names = ("config/config.yaml", study)
    shipped, own = (yaml.safe_load((ROOT / name).read_text()) for name in names)
    facts = comparison_plan.facts(settings.resolve(shipped | own), True, folder)
    assert comparison_settings.page(facts) == (folder / "settings.md").read_text()
