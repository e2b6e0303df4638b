"""Parts of a comparison: what is asked for, what is kept, and that both make the same tables."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from compared import THREE, compared, finish, leave, statistics
from configurations import checked
from workflow import ROOT

from spclust.comparison import kept as comparison_kept
from spclust.comparison import plan as comparison_plan
from spclust.comparison import results as comparison
from spclust.comparison import study_plan
from spclust.comparison import summary as comparison_summary
from spclust.comparison import values as comparison_values
from spclust.errors import UserError
from spclust.plan import first_defaults

SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text())
SLICES = [{"name": "one", "simulate": {}}, {"name": "two", "simulate": {"seed": 1}}]
PARTS = {
    "first": {"runs": ["kmeans", "truth"], "hours": 0.5},
    "last": {"runs": ["leiden"], "datasets": ["two"]},
}


def plan_of(part=None, parts=PARTS, seeds=(1, 2), **others):
    config = SHIPPED | {
        "datasets": SLICES,
        "seeds": list(seeds),
        "part": part,
        "runs": [{"name": name} for name in ("kmeans", "leiden", "truth")],
        "comparison": {"reference": None, "parts": parts},
    }
    return checked(config | others)


def keep(plan, folder, keys, score=0.5):
    """Runs with known scores as a comparison keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    planned = []
    for dataset, run, seed in plan.results:
        if (dataset, run.name, seed) in keys:
            place = run.folder(dataset, seed)
            leave(Path(place), score + seed / 100)
            planned.append((dataset, run.name, seed, place))
    results = comparison.read(planned)
    for name, table in zip(("runs", "classes"), comparison_values.tables(results)):
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    (folder / "settings.json").write_text(json.dumps(comparison_kept.settings_of(plan)))
    return results


FIRST = {
    (dataset, run, seed)
    for dataset in ("one", "two")
    for run in ("kmeans", "truth")
    for seed in (1, 2)
}


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_kept_values_make_the_tables_that_the_runs_made(tmp_path):
    values = {key: [score / 3 for score in scores] for key, scores in THREE.items()}
    results = compared(tmp_path, values)
    for name, table in zip(("runs", "classes"), comparison_values.tables(results)):
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    (tmp_path / "settings.json").write_text("{}")
    planned = list(results.planned.itertuples(index=False, name=None))
    kept = comparison_values.read([(*row, tmp_path) for row in planned if row[0] == "one"])
    # of the first slice nothing is left but what is kept
    there = [(*row[:3], "gone" if row[0] == "one" else row[3]) for row in planned]
    again = comparison.read(there, results.controls, kept=kept)
    for table in (comparison.score_table, comparison.rare_class_table, comparison.cost_table):
        pd.testing.assert_frame_equal(table(results), table(again), check_exact=True)
    pd.testing.assert_frame_equal(
        comparison_values.tables(results)[1], comparison_values.tables(again)[1]
    )
    assert comparison_values.read([]) is None


def test_a_part_asks_for_its_runs_and_shows_those_of_others_that_are_there(in_tmp):
    facts = comparison_plan.facts(plan_of("last"))
    assert len(facts["asked"]) == 2 and {row[1] for row in facts["results"]} == {"leiden"}
    assert {row[0] for row in facts["made_with"]} == {"leiden"}
    assert comparison_plan.files(facts)["runs"][0].endswith(
        "seed-1/graphs-leiden/method-leiden/metrics"
    )
    plan = plan_of("first")
    assert len(comparison_plan.facts(plan)["asked"]) == 8
    for dataset, run, seed in plan.results:
        if run.name == "kmeans":
            finish(plan, dataset, run, seed)
    facts = comparison_plan.facts(plan_of("last"))
    there = {tuple(row[:3]) for row in facts["results"] if row[3]}
    assert there == {("two", "leiden", 1), ("two", "leiden", 2)} | {
        key for key in FIRST if key[1] == "kmeans"
    }
    assert facts["newest"] > 0 and len(facts["asked"]) == 2
    # all at once without a part
    assert len(comparison_plan.facts(plan_of())["asked"]) == 12


def test_what_is_kept_with_equal_settings_is_not_asked_for_again(in_tmp):
    folder = in_tmp / "kept"
    keep(plan_of(), folder, FIRST)
    facts = comparison_plan.facts(plan_of(), root=folder)
    assert {tuple(row[:3]) for row in facts["kept"]} == FIRST and facts["other_settings"] == []
    names = ("runs.tsv", "classes.tsv", "settings.json")
    assert comparison_plan.files(facts)["kept"] == [str(folder / name) for name in names]
    assert len(facts["asked"]) == 4 and all("leiden" in path for path in facts["asked"])
    assert comparison_plan.facts(plan_of(), True, folder)["asked"] == []
    # one seed more is run, the others are not
    assert len(comparison_plan.facts(plan_of("first", seeds=(1, 2, 3)), root=folder)["asked"]) == 4
    (folder / "settings.json").unlink()
    assert comparison_plan.facts(plan_of(), root=folder)["kept"] == []


@pytest.mark.parametrize(
    ("a", "b", "counts"), [("01", "02", "b"), ("02", "01", "a"), ("01", "01", "a")]
)
def test_of_what_several_folders_keep_the_last_made_counts(in_tmp, a, b, counts):
    keep(plan_of(), in_tmp / "a", FIRST)
    shutil.copytree(in_tmp / "a", in_tmp / "b")
    for name, day in (("a", a), ("b", b)):
        runs = pd.read_csv(in_tmp / name / "runs.tsv", sep="\t").assign(made=f"2026-12-{day}")
        runs.to_csv(in_tmp / name / "runs.tsv", sep="\t", index=False)
    found, other = comparison_kept.usable(plan_of(), in_tmp)
    assert set(found) == FIRST and other == []
    assert {Path(folder).name for folder in found.values()} == {counts}
    # one of other settings stands in for none
    file = in_tmp / counts / "settings.json"
    file.write_text(file.read_text().replace('"n_init": 20', '"n_init": 3'))
    found, _ = comparison_kept.usable(plan_of(), in_tmp)
    of_kmeans = {Path(folder).name for key, folder in found.items() if key[1] == "kmeans"}
    assert of_kmeans == {"a", "b"} - {counts}


def test_runs_are_known_by_their_stages_in_whichever_folder_and_by_whatever_name(in_tmp):
    keep(plan_of(), in_tmp / "kept/a/first", FIRST)
    leiden = {("two", "leiden", 1)}
    keep(plan_of(), in_tmp / "kept/b", leiden, score=0.7)
    runs = [{"name": "twice"}, {"name": "again"}, {"name": "k3"}]
    runs[0]["method"] = runs[1]["method"] = "leiden"
    runs[2] |= {"method": "leiden", "graphs": "k3"}
    plan = plan_of(parts={}, runs=runs, graphs={"k3": {"n_neighbors": 3}})
    facts = comparison_plan.facts(plan, root=in_tmp / "kept")
    assert {tuple(row[:3]) for row in facts["kept"]} == {("two", "twice", 1), ("two", "again", 1)}
    assert {row[-1] for row in facts["kept"]} == {str(in_tmp / "kept/b")}
    scores, classes, costs = comparison_values.read(facts["kept"])
    assert set(scores["run"]) == set(classes["run"]) == set(costs["run"]) == {"twice", "again"}
    assert scores.query("metric == 'ARI'")["value"].tolist() == [0.71, 0.71]
    # what a study shows of it
    both = {"name": "made", "parts": [{"rows": {"twice": "one", "again": "other"}}]}
    facts = study_plan.facts(
        plan_of(parts={}, runs=runs, study=both, graphs={"k3": {}}), root=in_tmp / "kept"
    )
    assert len(facts["kept"]) == 2 and len(facts["asked"]) == 6 and len(facts["results"]) == 8


def test_what_is_kept_with_other_settings_is_left_out_and_said(in_tmp):
    folder = in_tmp / "kept"
    keep(plan_of(), folder, FIRST)

    def found(**others):
        return comparison_kept.usable(plan_of(**others), folder)

    kept, other = found(analyses={"metrics": {"default": {"rare_class": 0.1}}})
    assert kept == {} and other == ["evaluation.all.rare_class: was 0.05, is 0.1"]
    kept, other = found(method={"kmeans": {"n_init": 3}})
    assert {run for _, run, _ in kept} == {"truth"} and len(kept) == 4
    assert len(other) == 1 and other[0].startswith("method.kmeans.n_init: was ")
    slices = [SLICES[0], SLICES[1] | {"min_label_size": 7, "label_origin": "somebody"}]
    kept, other = found(datasets=slices)
    assert {dataset for dataset, *_ in kept} == {"one"}
    assert len(other) == 1 and "dataset.two.min_label_size: was " in other[0]
    # a setting that was not there yet counts as equal at its default
    then = json.loads((folder / "settings.json").read_text())
    for values in then["preprocess"].values():
        del values["normalisation"]
    (folder / "settings.json").write_text(json.dumps(then))
    assert found() == (dict.fromkeys(FIRST, str(folder)), [])
    kept, other = found(preprocess={"default": {"normalisation": "none"}})
    assert kept == {} and "preprocess.default.normalisation: was total, is none" in other


def test_a_setting_that_was_not_there_counts_as_the_default_it_came_with(in_tmp, monkeypatch):
    folder = in_tmp / "kept"
    keep(plan_of(), folder, FIRST)
    then = json.loads((folder / "settings.json").read_text())
    del then["preprocess"]["default"]["clip"]
    (folder / "settings.json").write_text(json.dumps(then))
    listed = {"preprocess": {"first": {}, "later": {"clip": 5.0}}}
    monkeypatch.setattr(first_defaults, "_listed", lambda: listed)
    kept, other = comparison_kept.usable(plan_of(), folder)
    assert kept == {} and other == ["preprocess.default.clip: was 5.0, is 10.0"]
    plan = plan_of(preprocess={"default": {"clip": 5.0}})
    assert comparison_kept.usable(plan, folder) == (dict.fromkeys(FIRST, str(folder)), [])


def test_a_setting_that_is_no_longer_there_counts_as_one_that_has_changed(in_tmp):
    folder = in_tmp / "kept"
    slices = [SLICES[0], SLICES[1] | {"ignore_labels": ["other"], "label_origin": "somebody"}]
    keep(plan_of(datasets=slices), folder, FIRST)
    kept, other = comparison_kept.usable(plan_of(), folder)
    assert {dataset for dataset, *_ in kept} == {"one"}
    assert other == ["dataset.two.ignore_labels: was ['other'], is not there"]


def test_a_setting_that_the_project_no_longer_has_counts_too(in_tmp):
    folder = in_tmp / "kept"
    keep(plan_of(), folder, FIRST)
    then = json.loads((folder / "settings.json").read_text())
    then["method"]["kmeans"]["whitened"] = True
    (folder / "settings.json").write_text(json.dumps(then))
    kept, other = comparison_kept.usable(plan_of(), folder)
    assert {run for _, run, _ in kept} == {"truth"}
    assert other == ["method.kmeans.whitened: was True, is not there"]


def test_behind_first_labels_by_a_run_stand_the_settings_of_that_run(in_tmp):
    runs = [{"name": "leiden"}, {"name": "taught", "method": "spclust"}]
    first = {"pseudolabels": {"default": {"method": "run", "run": "leiden"}}, "parts": {}}
    plan = plan_of(runs=runs, **first)
    keep(plan, in_tmp / "kept", {("one", "taught", 1)})
    assert len(comparison_kept.usable(plan, in_tmp / "kept")[0]) == 1
    plan = plan_of(runs=runs, graphs={"leiden": {"n_neighbors": 7}}, **first)
    kept, other = comparison_kept.usable(plan, in_tmp / "kept")
    assert kept == {} and other == ["graphs.leiden.n_neighbors: was 15, is 7"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.json", "{"),
        ("settings.json", "[1]"),
        ("settings.json", '{"dataset": []}'),
        ("settings.json", '{"dataset": {"one": null}}'),
        ("settings.json", b"\xff\xfe"),
        ("runs.tsv", "dataset\tseed\none\t1\n"),
        ("runs.tsv", "folder\tmade\na\n"),
        ("runs.tsv", "folder\tmade\n<<<<<<< mine\n"),
    ],
)
def test_what_is_kept_and_broken_is_said_with_its_folder(in_tmp, name, text):
    keep(plan_of(), in_tmp / "kept", FIRST)
    Path("kept", name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=rf"kept: .*/kept/{name} is broken .* kept: null"):
        comparison_kept.usable(plan_of(), in_tmp / "kept")


@pytest.mark.parametrize("name", ["runs.tsv", "classes.tsv", "settings.json"])
def test_a_folder_that_lacks_one_of_its_files_is_said(in_tmp, name):
    keep(plan_of(), in_tmp / "kept/deep", FIRST)
    # others may call a table so
    (in_tmp / "kept/runs.tsv").write_text("cell\tspeed\n")
    comparison_kept.check(in_tmp / "kept")
    Path("kept/deep", name).unlink()
    with pytest.raises(
        UserError, match=rf"kept: .*/deep/{name} is broken .*not there.* kept: null"
    ):
        comparison_kept.check(in_tmp / "kept")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("runs", lambda table: table.drop(columns="made"), "lacks the columns made"),
        ("runs", lambda table: table.assign(ARI="0,73"), "0,73"),
        ("classes", lambda table: table.drop(columns="dataset"), "lacks the columns dataset"),
        ("classes", lambda table: table.assign(f1="n.d."), "n.d."),
    ],
)
def test_what_is_kept_and_has_no_values_is_said_with_its_file(in_tmp, name, change, told):
    keep(plan_of(), in_tmp / "kept", FIRST)
    path = in_tmp / f"kept/{name}.tsv"
    change(pd.read_csv(path, sep="\t", dtype=str)).to_csv(path, sep="\t", index=False)
    facts = comparison_plan.facts(plan_of(), root=in_tmp / "kept")
    with pytest.raises(UserError, match=rf"kept: .*/{name}.tsv is broken .*{told}.* kept: null"):
        comparison_values.read(facts["kept"])


@pytest.mark.parametrize("kept", [".", "results", "results/comparison"])
def test_what_the_workflow_writes_over_is_not_kept(kept, tmp_path, monkeypatch):
    (tmp_path / "results/comparison").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="kept: .* would be replaced; copy runs.tsv, classes.tsv"):
        comparison_kept.root_of({"kept": kept})
    (tmp_path / "results_of_may").mkdir()
    assert comparison_kept.root_of({"kept": "results_of_may"}) == tmp_path / "results_of_may"


def test_parts_are_held_against_the_runs():
    for part, parts, message in (
        ("frist", PARTS, "part: 'frist' is not known; did you mean 'first'"),
        (None, {"first": {"runs": ["kmean"]}}, "comparison.parts.first.runs: 'kmean'"),
        (None, {"first": {"runs": ["kmeans"], "datasets": ["on"]}}, "parts.first.datasets: 'on'"),
    ):
        with pytest.raises(UserError, match=message):
            plan_of(part, parts)


def test_the_summary_says_which_parts_have_run_and_what_the_tables_say(in_tmp):
    plan = plan_of()
    runs, _ = comparison_values.tables(keep(plan, in_tmp / "kept", FIRST - {("one", "truth", 1)}))
    runs["made"] = ["2026-11-20", *["2026-11-21"] * (len(runs) - 1)]
    rows = comparison_summary.parts(comparison_plan.parts(plan), runs).splitlines()[2:]
    first, last = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert first == [
        "`first`",
        "kmeans, truth",
        "all",
        "7 of 8",
        "0.5",
        "0.0",
        "2026-11-20 to 2026-11-21",
    ]
    assert last == ["`last`", "leiden", "two", "planned", "", "", ""]
    runs["seconds"] = 3600.0
    done = pd.concat([runs, runs[:1].assign(dataset="one", run="truth", seed=1)])
    rows = comparison_summary.parts(comparison_plan.parts(plan), done).splitlines()
    assert "| all 8 " in rows[2] and "| 8.0 " in rows[2]
    assert comparison_summary.parts([], runs) == ""

    table = comparison.score_table(compared(in_tmp / "three", THREE))
    ranks, _, pairs = statistics(table)
    (text,) = comparison_summary.paragraphs(table, ranks, pairs)
    assert text.startswith("**Cell types.** Average rank over all scores, 1 is best: a 1.8, c 2.0")
    assert "Best ARI: one 0.850 by a and b; two 0.900 by c (a 0.600)." in text
    assert (
        "a minus each, mean ARI over 2 slices of 2 studies with intervals at 50 %: c +0.125" in text
    )
    holes = comparison.score_table(compared(in_tmp / "holes", THREE | {("one", "c"): [None, None]}))
    ranks, _, pairs = statistics(holes)
    assert "so without rank: c." in comparison_summary.paragraphs(holes, ranks, pairs)[0]
    page = comparison_summary.page("| part |", ["**A.** b"], ["method.x.y: was 1, is 2"])
    assert page.splitlines()[-1] == "- method.x.y: was 1, is 2" and "\n\n**A.** b\n\n" in page
