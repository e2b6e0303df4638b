"""Cards of analyses, the settings they are given, and what each reads and where it lies."""

from pathlib import Path

import pytest
import yaml
from configurations import resolve
from places import SCRIPTS

from spclust.errors import UserError
from spclust.plan import analyses, analysis_files, stages

CARD = {
    "title": "t",
    "over": "run",
    "environment": "evaluate",
    "needs": ["clusters"],
    "writes": {"t.csv": {"about": "A cell."}},
}
CELLS = {"t.csv": {"about": "A cell.", "columns": {"cell": "its id"}}}
SEEDS = {"t.csv": {"about": "A seed.", "columns": {"seed": "its number"}}}
OPTIONAL = {"t.csv": {"about": "A cell.", "optional": True}}


def load(folder, **cards):
    for name, changes in cards.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(CARD | changes))
        (folder / f"{name}.py").touch()
    return analyses.load(folder)


def test_every_analysis_has_a_recipe_and_says_what_its_columns_are():
    for card in analyses.load().values():
        assert Path(SCRIPTS, *card.module.split(".")).with_suffix(".py").exists()
        tables = [n for n in card.writes if n.endswith((".csv", ".tsv"))]
        assert all(card.columns[name] for name in tables)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"needs": ["clustes"]}, "needs: 'clustes' is not there for an analysis over 'run'"),
        ({"over": "dataset"}, "needs: 'clusters' is not there for an analysis over 'dataset'"),
        ({"needs": ["b"]}, "needs: 'b' is not there"),
        ({"needs": ["a"]}, "it needs itself, through a"),
        ({"summary": "other.csv"}, "summary: name one of the files that it writes"),
        ({"report": {"other.csv": "c"}}, "report: name one of the files that it writes"),
        ({"summary": "t.npz", "writes": {"t.npz": {"about": "p"}}}, "t.npz is no table"),
        ({"adds": "t.csv"}, "adds: t.csv needs the column  cell:"),
        ({"summary": "t.csv", "writes": OPTIONAL}, "every run must have t.csv; take out  optional"),
        ({"summary": "t.csv", "writes": SEEDS}, "the column seed is put there by the summary"),
        ({"summary": "t.csv", "over": "cohort"}, "one over 'cohort' is its own summary"),
        ({"writes": {"../t.csv": {"about": "p"}}}, "'../t.csv' cannot be a name here"),
        ({"writes": {"t.txt": {"about": "p"}}}, "'t.txt' cannot be a name here"),
        ({"adds": "t.csv", "needs": ["additions"], "writes": CELLS}, "it needs itself, through a"),
        ({"over": "image"}, "over: found 'image', allowed is one of run, space, dataset, cohort"),
    ],
)
def test_a_card_that_cannot_be_is_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, a=changes)


@pytest.mark.parametrize("name", ["figures", "labels", "transfers", "a-b", "a b"])
def test_what_others_are_called_cannot_be_an_analysis(tmp_path, name):
    with pytest.raises(UserError, match=f"'{name}' cannot be its name"):
        load(tmp_path, **{name: {}})


def test_a_card_without_recipe_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(CARD))
    with pytest.raises(UserError, match="its recipe a.py is not there"):
        analyses.load(tmp_path)


def test_two_that_need_each_other_are_refused(tmp_path):
    with pytest.raises(UserError, match="it needs itself"):
        load(tmp_path, a={"needs": ["b"]}, b={"needs": ["a"]})


def test_settings_build_on_the_default_and_stand_side_by_side(tmp_path):
    keys = {"k": {"default": 5, "description": ""}, "r": {"default": 1.0, "description": ""}}
    found = load(tmp_path, metrics={}, a={"settings": keys}, asked={"on_demand": True})
    given = {"a": {"default": {"k": 7}, "wide": {"r": 2.0}}}
    settings = analyses.resolve(found, given)
    assert settings == {
        "a": {"default": {"k": 7, "r": 1.0}, "wide": {"k": 7, "r": 2.0}},
        "metrics": {"default": {}},
    }
    assert "asked" in analyses.resolve(found, {"asked": True})
    assert "a" not in analyses.resolve(found, {"a": False})


def test_what_an_analysis_needs_is_made_with_it(tmp_path):
    found = load(tmp_path, metrics={}, a={"on_demand": True}, b={"needs": ["a"]})
    assert set(analyses.resolve(found, {})) == {"metrics", "a", "b"}
    with pytest.raises(UserError, match="analyses.a: b needs it; write  b: false  too"):
        analyses.resolve(found, {"a": False})


def test_the_export_takes_what_is_added_and_does_not_need_it(tmp_path):
    found = load(
        tmp_path,
        metrics={},
        export={"needs": ["additions"]},
        a={"adds": "t.csv", "writes": CELLS},
    )
    assert set(analyses.resolve(found, {})) == {"metrics", "export", "a"}
    assert set(analyses.resolve(found, {"a": False})) == {"metrics", "export"}


@pytest.fixture(scope="module")
def plan():
    return resolve("runs: [{name: spclust}, {name: kmeans}, {name: ward}, {name: random}]")


def of_run(plan, name):
    run = next(run for _, run, _ in plan.results if run.name == name)
    return analysis_files.stages.wildcards_of("demo", 42, run.chosen, run.method)


def test_what_a_sheet_says_is_read_where_a_dataset_has_one():
    text = "datasets: [demo, {name: a, path: a.csv, samples: s.csv, n_clusters: 2}]"
    found = {
        dataset: analysis_files.inputs(
            plan.analysis_cards["export"],
            plan,
            stages.wildcards_of(dataset, seed, run.chosen, run.method),
            {},
        )
        for plan in [resolve(text)]
        for dataset, run, seed in plan.results
    }
    assert found["a"]["samples"] == "results/a/samples.csv" and "samples" not in found["demo"]


def test_methods_that_learn_no_space_share_the_map_of_the_features(plan):
    card = plan.analysis_cards["umap"]
    folders = {
        name: analysis_files.home(card, plan, of_run(plan, name))
        for name in ("spclust", "kmeans", "ward")
    }
    assert folders["kmeans"] == folders["ward"] == "demo/preprocess-default/seed-42"
    assert folders["spclust"].endswith("method-spclust")
    learnt = analysis_files.inputs(card, plan, of_run(plan, "spclust"), {})
    assert learnt["space"].endswith("method-spclust/embedding.npz")
    features = analysis_files.inputs(card, plan, of_run(plan, "ward"), {})
    assert features["space"] == "results/demo/preprocess-default/cells.h5mu"


def test_clusters_are_described_in_the_cells_as_prepared_not_as_balanced(plan):
    files = analysis_files.inputs(plan.analysis_cards["markers"], plan, of_run(plan, "spclust"), {})
    assert files["cells"] == "results/demo/preprocess-default/cells.h5mu"
    assert files["clusters"].endswith(
        "oversample-default/graphs-default/method-spclust/clusters.csv"
    )


def test_controls_are_scored_and_not_described(plan):
    found = [entry for entry in analysis_files.targets(plan, "run")]
    of_random = {entry["analysis"] for entry in found if entry["about"]["run"] == "random"}
    assert of_random == {"metrics"}
    of_ward = {entry["analysis"] for entry in found if entry["about"]["run"] == "ward"}
    assert of_ward == {"annotation", "export", "markers", "metrics", "names", "types"}


def test_the_table_of_a_dataset_s_cells_has_its_runs_without_controls(plan):
    found = analysis_files.of_cells(plan, "demo")
    prefixes = [part["prefix"] for part in found if part["file"] == "annotation.csv"]
    assert prefixes == ["spclust_", "kmeans_", "ward_"]
    assert found[0]["folder"].endswith("method-spclust/annotation")
    assert analysis_files.of_cells(plan, "another") == []


def test_cells_that_a_model_labelled_are_annotated():
    plan = resolve(
        "{datasets: [demo, dkd_000], runs: [{name: kmeans, datasets: [demo]}], "
        "transfer: {model: kmeans, to: [dkd_000]}}"
    )
    (found,) = analysis_files.of_cells(plan, "dkd_000")
    assert found["prefix"] == "kmeans_from_demo_"
    assert found["folder"].startswith("results/dkd_000/from-demo/")
    assert found["folder"].endswith("/method-kmeans/annotation")


def test_columns_of_several_seeds_say_which():
    plan = resolve("{seeds: [1, 2], runs: [{name: ward}], analyses: {niches: true}}")
    prefixes = {part["prefix"] for part in analysis_files.of_cells(plan, "demo")}
    of_runs = {prefix for prefix in prefixes if prefix.startswith("ward_")}
    assert of_runs == {f"ward_seed{i}_{what}" for i in (1, 2) for what in ("", "niches_", "types_")}
    unnamed = resolve("analyses: {annotation: false, export: false}")
    assert analysis_files.of_cells(unnamed, "demo") == []


def test_wildcards_of_a_run_say_what_its_folder_says(plan):
    for dataset, run, seed in plan.results:
        wildcards = analysis_files.stages.wildcards_of(dataset, seed, run.chosen, run.method)
        assert analysis_files.stages.chosen_in(wildcards) == run.chosen
