"""The tables and figures of a comparison, against numbers worked out by hand."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from workflow import ROOT

from spclust import (
    cards,
    comparison,
    comparison_plan,
    comparison_text,
    reporting,
    settings,
    significance,
)
from spclust.errors import UserError
from spclust.plots import comparison as figures

CONTROLS = ["random", "truth"]
CLASSES = ["common", "rare 1", "rare 2"]


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def leave(
    folder, score, f1=(0.9, 0.5, 0.3), gpu=0.0, seconds=2.0, labelled=True, slices=(), **cost
):
    """What a run leaves, all its scores the same; of slices of a cohort others."""
    folder.mkdir(parents=True)
    names = [*comparison.SCORES] if labelled else []
    scores = {name: score for name in names} | {"silhouette": 0.1}
    scores = pd.DataFrame({"slice": "all", "metric": scores.keys(), "value": scores.values()})
    of_slices = [scores.assign(slice=name, value=0.123) for name in slices]
    pd.concat([scores, *of_slices]).to_csv(folder / "metrics.tsv", sep="\t", index=False)
    classes = pd.DataFrame(
        {"slice": "all", "class": CLASSES, "cells": [90, 4, 6], "cluster": [0, 1, 2],
         "rare": [False, True, True], "precision": 1.0, "recall": 0.5, "f1": f1}
    ).iloc[: 3 if labelled else 0]  # fmt: skip
    of_slices = [classes.assign(slice=name, rare=True, f1=0.123) for name in slices]
    table = pd.concat([classes, *of_slices])
    table.to_csv(folder / "class_metrics.tsv", sep="\t", index=False)
    values = {"seconds": seconds, "peak_memory_mb": 300.0, "peak_gpu_memory_mb": gpu}
    (folder / "cost.json").write_text(json.dumps(values | {"device": "cpu", "threads": 1} | cost))


def compared(folder, values, controls=CONTROLS, kinds=None, groups=None, **options):
    """Results of runs with these scores: {(dataset, run): a score per seed, None where missing}."""
    planned = []
    for (dataset, run), scores in values.items():
        for seed, score in enumerate(scores, start=1):
            place = folder / dataset / run / str(seed)
            if score is not None:
                leave(place, score, **options)
            planned.append((dataset, run, seed, None if score is None else str(place)))
    return comparison.read(planned, controls, kinds, groups)


def statistics(scores):
    return significance.compare(scores, {"own": "a", "panel": "a_p"}, {"one": "x", "two": "y"})


def ranks_of(scores):
    return statistics(scores)[0]


def notes_of(results, about=None, absent=None, prepared=None):
    return comparison_text.notes(results, about or {}, absent or {}, prepared or {})


def column(table, name, **where):
    for key, value in where.items():
        table = table[table[key] == value]
    return dict(zip(table["run"], table[name].astype(object).where(table[name].notna(), None)))


THREE = {
    ("one", "a"): [0.8, 0.9], ("one", "b"): [0.85, 0.85], ("one", "c"): [0.2, 0.4],
    ("one", "random"): [0.0, 0.0], ("one", "truth"): [1.0, 1.0],
    ("two", "a"): [0.5, 0.7], ("two", "b"): [0.5, 0.5], ("two", "c"): [0.9, 0.9],
    ("two", "random"): [0.0, 0.0], ("two", "truth"): [1.0, 1.0],
}  # fmt: skip


def test_scores_are_means_over_seeds_with_their_sd(tmp_path):
    table = comparison.score_table(compared(tmp_path, THREE))
    where = {"dataset": "one", "metric": "ARI"}
    assert column(table, "mean", **where) == pytest.approx(
        {"a": 0.85, "b": 0.85, "c": 0.3, "random": 0, "truth": 1}
    )
    assert column(table, "sd", **where)["a"] == pytest.approx(np.sqrt(0.005))
    assert set(column(table, "seeds", **where).values()) == {2}
    assert table["metric"].unique().tolist() == ["ACC", "ARI", "NMI", "macro-F1"]


def test_equal_means_share_a_place_and_controls_have_none(tmp_path):
    table = comparison.score_table(compared(tmp_path, THREE))
    one, two = ({"dataset": name, "metric": "ACC"} for name in ("one", "two"))
    none = {"random": None, "truth": None}
    assert column(table, "place", **one) == {"a": "best", "b": "best", "c": "second"} | none
    assert column(table, "place", **two) == {"a": "second", "b": None, "c": "best"} | none


def test_what_is_not_printed_decides_nothing(tmp_path):
    values = {("one", "a"): [0.50004], ("one", "b"): [0.49996]}
    table = comparison.score_table(compared(tmp_path, values))
    assert column(table, "place", metric="ACC") == {"a": "best", "b": "best"}


def test_a_slice_counts_once_with_the_mean_of_its_seeds(tmp_path):
    table = comparison.score_table(compared(tmp_path, THREE))
    ranks, overall, pairs = statistics(table)
    assert column(ranks, "average_rank", metric="NMI") == {"a": 1.75, "b": 2.25, "c": 2}
    assert column(ranks, "average_rank", metric="all")["a"] == 1.75
    short = comparison_text.in_short(ranks)
    assert short == "average ranks on cell types (1 is best): a 1.8, c 2.0, b 2.2"
    assert overall["slices"].tolist() == [2] * 4 and len(pairs) == 4 * 2
    # a seed more or less of a slice changes nothing but its mean
    less = THREE | {("one", "a"): [0.85], ("two", "c"): [0.9]}
    again = statistics(comparison.score_table(compared(tmp_path / "less", less)))
    for first, second in zip((ranks, overall, pairs), again):
        pd.testing.assert_frame_equal(first, second)


def test_what_labels_are_decides_in_which_table_a_slice_stands(tmp_path):
    kinds = {"one": "partition", "two": "gates"}
    table = comparison.score_table(compared(tmp_path, THREE, kinds=kinds))
    assert table.drop_duplicates("dataset")[["labels", "dataset"]].to_numpy().tolist() == [
        ["cell types", "two"], ["regions", "one"]
    ]  # fmt: skip
    ranks = ranks_of(table)
    assert column(ranks, "average_rank", labels="regions", metric="ARI")["a"] == 1.5
    assert column(ranks, "average_rank", labels="cell types", metric="ARI")["c"] == 1
    page = comparison_text.scores(table, ranks, [1, 2], notes_of(compared(tmp_path / "x", THREE)))
    assert page.index("## Cell types") < page.index("| two |") < page.index("## Regions")


def test_runs_of_a_group_meet_each_other_only(tmp_path):
    both = THREE | {(d, f"{run}_p"): [0.95 if run == "b" else 0.1, 0.95] for d in ("one", "two")
                    for run in "ab"}  # fmt: skip
    groups = {"a_p": "panel", "b_p": "panel"}
    table = comparison.score_table(compared(tmp_path, both, groups=groups))
    assert column(table, "place", dataset="one", metric="ARI") == {
        "a": "best", "b": "best", "c": "second", "a_p": "second", "b_p": "best",
        "random": None, "truth": None,
    }  # fmt: skip
    ranks, overall, pairs = statistics(table)
    assert column(ranks, "average_rank", group="panel", metric="all") == {"a_p": 2, "b_p": 1}
    assert overall.groupby("group")["methods"].first().to_dict() == {"own": 3, "panel": 2}
    assert pairs.groupby("group")["rival"].unique().map(list).to_dict() == {
        "own": ["b", "c"], "panel": ["b_p"]
    }  # fmt: skip
    page = comparison_text.scores(table, ranks, [1, 2], [])
    own, panel = page.split("### panel")
    assert "| b |" in own and "| b_p |" not in own and "| truth |" in own and "| truth |" in panel
    short = comparison_text.in_short(ranks)
    assert short.endswith("average ranks on cell types, panel (1 is best): b_p 1.0, a_p 2.0")


def test_a_method_that_failed_on_a_slice_has_no_rank_and_changes_no_other(tmp_path):
    full = compared(tmp_path / "full", THREE)
    holes = THREE | {("one", "d"): [0.99, 0.99], ("two", "d"): [None, None]}
    results = compared(tmp_path / "holes", holes)
    table = comparison.score_table(results)
    assert comparison.compared(table) == ["a", "b", "c"]
    assert column(table, "mean", dataset="two", metric="ACC")["d"] is None
    # best where it ran, but out of the ranks
    assert column(table, "place", dataset="one", metric="ACC")["d"] == "best"
    for found, expected in zip(statistics(table), statistics(comparison.score_table(full))):
        pd.testing.assert_frame_equal(found, expected)
    notes = notes_of(results)
    assert notes == ["- No result of d on two (seed 1, 2)."]
    page = comparison_text.scores(table, ranks_of(table), [1, 2], notes)
    assert "Without rank, for want of a slice: d." in page and notes[0] in page


def test_where_every_method_lacks_a_slice_there_are_scores_and_no_ranks(tmp_path):
    holes = THREE | {("two", run): [None, None] for run in "ab"} | {("one", "c"): [None, None]}
    table = comparison.score_table(compared(tmp_path, holes))
    ranks, overall, pairs = statistics(table)
    assert ranks.empty and overall.empty and pairs.empty
    page = comparison_text.scores(table, ranks, [1, 2], [])
    assert "| a | **0.850 ± 0.071** |  |" in page and "want of a slice: a, b, c." in page
    assert comparison_text.in_short(ranks) == "no method is comparable"
    assert comparison_text.differences(pairs, overall, []).startswith("# Differences")


def test_a_failed_seed_leaves_the_mean_of_the_others(tmp_path):
    results = compared(tmp_path, THREE | {("two", "c"): [0.9, None]})
    table = comparison.score_table(results)
    assert column(table, "seeds", dataset="two", metric="ACC")["c"] == 1
    assert column(table, "sd", dataset="two", metric="ACC")["c"] is None
    assert statistics(table)[1]["slices"].tolist() == [2] * 4


def test_a_slice_without_any_result_keeps_its_empty_row_and_disqualifies_nobody(tmp_path):
    results = compared(tmp_path, THREE | {("gone", run): [None, None] for run in "abc"})
    table = comparison.score_table(results)
    assert set(column(table, "mean", dataset="gone", metric="ACC").values()) == {None}
    assert comparison.compared(table) == ["a", "b", "c"]
    notes = notes_of(results, absent={"gone": "by_hand/gone.h5ad"})
    assert notes == ["- No data for gone: there is no by_hand/gone.h5ad."]
    lines = comparison_text.scores(table, ranks_of(table), [1, 2], notes).splitlines()
    assert "| run | one | two | gone | average rank |" in lines
    row = next(line for line in lines if line.startswith("| a |"))
    assert row == "| a | **0.850 ± 0.071** | <ins>0.600 ± 0.141</ins> |  | **1.75** |"


def test_a_slice_without_labels_has_costs_only(tmp_path):
    results = compared(tmp_path, {("bare", "a"): [0, 0], ("bare", "b"): [0, 0]}, labelled=False)
    scores = comparison.score_table(results)
    assert scores["mean"].isna().all() and comparison.compared(scores) == []
    assert comparison.rare_class_table(results).empty
    assert column(comparison.cost_table(results), "mean", metric="time (s)") == {"a": 2, "b": 2}
    ranks, overall, pairs = statistics(scores)
    assert ranks.empty and overall.empty and pairs.empty
    assert "No class of these slices is rare" in comparison_text.rare_classes(
        comparison.rare_class_table(results), [1, 2], []
    )


def test_small_p_values_are_not_rounded_to_zero():
    table = pd.DataFrame({"run": ["a", "b"], "p": [1.23456789e-12, None], "chi2": [1 / 3, 2.0]})
    found = reporting.rounded(table)
    assert found["chi2"].tolist() == [0.333333, 2.0]
    assert found["p"][0] == 1.23457e-12 and pd.isna(found["p"][1])


def test_nothing_finished_is_said(tmp_path):
    with pytest.raises(UserError, match="no run of this configuration is finished.*--keep-going"):
        compared(tmp_path, {("one", "a"): [None]})


def test_rare_classes_and_their_mean_the_larger_first(tmp_path):
    leave(tmp_path / "a", 0.5, f1=(0.9, 0.5, 0.3))
    leave(tmp_path / "b", 0.5, f1=(0.1, 0.6, 0.3))
    planned = [("one", "a", 1, str(tmp_path / "a")), ("one", "b", 1, str(tmp_path / "b"))]
    table = comparison.rare_class_table(comparison.read(planned))
    assert table["class"].unique().tolist() == ["rare 2", "rare 1", comparison.ALL_RARE]
    assert column(table, "mean", **{"class": "rare 1", "metric": "F1"}) == {"a": 0.5, "b": 0.6}
    assert column(table, "mean", **{"class": comparison.ALL_RARE, "metric": "F1"}) == pytest.approx(
        {"a": 0.4, "b": 0.45}
    )
    assert column(table, "place", **{"class": "rare 1", "metric": "F1"}) == {
        "a": "second", "b": "best"
    }  # fmt: skip
    page = comparison_text.rare_classes(table, [1], [])
    assert "| one | rare 2 (6 cells) | precision | **1.000** | **1.000** |" in page
    assert "|  | rare 1 (4 cells) |" in page and "Seed 1." in page


def test_costs_say_where_and_leave_an_unused_gpu_out(tmp_path):
    planned = []
    for run, gpu, cost in (("a", 512.0, {"device": "H100", "mode": "exact"}), ("b", 0.0, {})):
        for seed, seconds in ((1, 100.0), (2, 300.0)):
            leave(tmp_path / run / str(seed), 0.5, gpu=gpu, seconds=seconds, **cost)
            planned.append(("one", run, seed, str(tmp_path / run / str(seed))))
    results = comparison.read(planned)
    table = comparison.cost_table(results)
    assert column(table, "mean", metric="time (s)") == {"a": 200, "b": 200}
    page = comparison_text.costs(table, [1, 2], notes_of(results))
    assert "| one | time (s) | 200 ± 141 | 200 ± 141 |" in page
    assert "|  | peak GPU memory (MB) | 512 ± 0 | – |" in page
    assert "H100 (threads: 1): a; cpu (threads: 1): b." in page
    assert "- a was in exact mode on one." in page


def test_the_page_of_scores_marks_best_and_second_and_says_what_labels_are(tmp_path):
    results = compared(tmp_path, THREE)
    table = comparison.score_table(results)
    about = {
        "one": {"label_kind": "partition", "label_origin": "SCGP", "labels_seen": "a default"},
        "two": {"label_kind": "types", "study": "Keren 2018"},
    }
    notes = notes_of(results, about, prepared={"a": "default", "b": "default", "truth": "default"})
    lines = comparison_text.scores(table, ranks_of(table), [1, 2], notes).splitlines()
    assert "| run | one | two | average rank |" in lines
    assert "| a | **0.850 ± 0.071** | <ins>0.600 ± 0.141</ins> | **1.75** |" in lines
    assert "| truth | 1.000 ± 0.000 | 1.000 ± 0.000 |  |" in lines
    assert "| slice | labels | made by | study | table | blind |" in lines
    kind = comparison_text.KINDS["partition"]
    assert f"| one | {kind} | SCGP | one | regions | no: a default |" in lines
    assert "| two | cell types |  | Keren 2018 | cell types | yes |" in lines
    assert "- Cells prepared by the setting default: a, b." in lines
    assert any("random, truth bound the tables and do not compete" in line for line in lines)


def test_the_page_of_differences_has_intervals_and_p_where_it_could_be_small(tmp_path):
    few = comparison.score_table(compared(tmp_path / "few", THREE))
    _, overall, pairs = statistics(few)
    page = comparison_text.differences(pairs, overall, ["- a note"])
    assert "**a** minus each, 2 slices of 2 studies, intervals at 50 %:" in page
    assert "| c | +0.125 [-0.300, +0.550] |" in page and "- a note" in page
    assert "p = " not in page.split("All methods")[0].split("\n\n", 2)[2]
    many = {(f"s{i}", run): [0.5 + gain + i / 100] for i in range(8)
            for run, gain in (("a", 0.2), ("b", 0.0), ("c", 0.21))}  # fmt: skip
    table = comparison.score_table(compared(tmp_path / "many", many))
    page = comparison_text.differences(*reversed(statistics(table)[1:]), [])
    assert "8 slices of 8 studies, intervals at 95 %:" in page
    assert "| b | **+0.200 [+0.200, +0.200]**, p = 0.016 |" in page
    assert "F = inf" in page or "p = 0.0003" in page


def test_one_study_has_differences_without_intervals(tmp_path):
    table = comparison.score_table(compared(tmp_path, THREE))
    found = significance.compare(table, {"own": "a"}, {"one": "x", "two": "x"})
    page = comparison_text.differences(found[2], found[1], [])
    assert "2 slices of 1 study, so there is no interval:" in page and "| c | +0.125 |" in page
    nobody = significance.compare(table)
    assert "No pair" in comparison_text.differences(nobody[2], nobody[1], [])


def test_numbers_in_the_pages():
    assert [comparison_text.score(v) for v in (-0.0001, 0.12345, -0.02)] == [
        "0.000",
        "0.123",
        "-0.020",
    ]
    assert [comparison_text.cost(v) for v in (1234.5, 99.94, 0.01234)] == ["1234", "99.9", "0.0123"]


def drawn(folder, results):
    scores = comparison.score_table(results)
    ranks, _, pairs = statistics(scores)
    tables = {
        "scores": scores, "rare_classes": comparison.rare_class_table(results),
        "costs": comparison.cost_table(results), "average_ranks": ranks, "differences": pairs,
    }  # fmt: skip
    read_again, text = {}, {"dataset": str, "class": str, "run": str}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
        read_again[name] = pd.read_csv(folder / f"{name}.tsv", sep="\t", dtype=text)
    figures.draw(folder / "figures", read_again)
    return {path.name for path in (folder / "figures").iterdir()}


def both(*names):
    return {f"{name}.{kind}" for name in names for kind in ("png", "pdf")}


def test_every_table_has_its_figure(tmp_path):
    names = drawn(tmp_path, compared(tmp_path, THREE, gpu=10.0))
    scores = ("scores_cell_types", "differences_cell_types")
    assert names == both(*scores, "rare_classes", "costs")
    kinds, groups = {"one": "regions"}, {"c": "panel"}
    names = drawn(tmp_path, compared(tmp_path / "two", THREE, kinds=kinds, groups=groups))
    expected = {f"scores_{labels}_{group}" for labels in ("cell_types", "regions")
                for group in ("own", "panel")}  # fmt: skip
    expected |= {"differences_cell_types", "differences_regions"}
    assert names == both(*expected, "rare_classes_own", "rare_classes_panel", "costs")


def test_holes_one_method_and_one_slice_can_be_drawn(tmp_path):
    holes = compared(tmp_path / "x", {("one", "a"): [0.5, None], ("two", "a"): [None, None]})
    assert drawn(tmp_path / "x", holes) == both("scores_cell_types", "rare_classes", "costs")
    bare = compared(tmp_path / "y", {("one", "a"): [0], ("one", "b"): [0]}, labelled=False)
    assert drawn(tmp_path / "y", bare) == both("scores_cell_types", "costs")
    two = compared(tmp_path / "z", {("one", "a"): [0.5], ("one", "b"): [0.7]})
    assert "differences_cell_types.png" in drawn(tmp_path / "z", two)


def test_more_slices_than_colours_can_be_drawn(tmp_path):
    many = {(f"s{i}", run): [0.5 + i / 100] for i in range(40) for run in "ab"}
    table = comparison.cost_table(compared(tmp_path, many))
    assert len(figures.costs(table).axes) == 2 and not figures.costs(table).legends
    few = table[table["dataset"].isin(["s0", "s1"])]
    assert len(figures.costs(few).legends) == 1


def test_the_scores_figure_writes_every_mean_and_a_dash_where_there_is_none(tmp_path):
    results = compared(tmp_path, THREE | {("two", "b"): [None, None]})
    table = comparison.score_table(results)
    fig = figures.scores(table, ranks_of(table))
    panel = next(ax for ax in fig.axes if ax.get_title() == "ARI")
    texts = [text.get_text() for text in panel.texts]
    assert sorted(texts[:10]) == sorted(
        [".85", ".85", ".30", ".00", "1.00", ".60", "–", ".90", ".00", "1.00"]
    )
    assert texts[10:] == ["1.5", "1.5"]


def test_of_a_cohort_all_its_cells_are_compared(tmp_path):
    """Its slices have rows of their own in a run's tables."""
    alone = compared(tmp_path / "alone", THREE)
    cohort = compared(tmp_path / "cohort", THREE, slices=("p05", "p13"))
    for table in (comparison.score_table, comparison.rare_class_table, comparison.cost_table):
        pd.testing.assert_frame_equal(table(alone), table(cohort))


# what is planned


def plan_of(datasets, runs=("leiden", "truth"), seeds=(1, 2), **others):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config |= {"datasets": datasets, "seeds": list(seeds), "runs": [{"name": r} for r in runs]}
    return settings.resolve(config | others, {})


def finish(plan, dataset, run, seed, score=0.5):
    found = next(r for _, r, _ in plan.results if r.name == run)
    folder = Path(found.folder(dataset, seed))
    leave(folder, score)
    return folder


SIMULATED = {"name": "one", "simulate": {}, "label_origin": "a simulation"}
GONE = {"name": "gone", "path": "by_hand/gone.h5ad"}


def test_every_run_is_planned_but_those_of_a_slice_that_is_not_here(in_tmp):
    plan = plan_of([SIMULATED, GONE])
    facts = comparison_plan.facts(plan)
    assert facts["absent"] == {"gone": "by_hand/gone.h5ad"}
    assert facts["controls"] == ["truth"] and facts["groups"] == {"leiden": "own"}
    assert facts["about"]["one"] == {"label_origin": "a simulation", "label_kind": "types"}
    assert facts["prepared"] == {"leiden": "default", "truth": "default"}
    planned = {(dataset, run, seed): folder for dataset, run, seed, folder in facts["results"]}
    assert len(planned) == 8 and [k for k, v in planned.items() if v is None] == [
        ("gone", run, seed) for run in ("leiden", "truth") for seed in (1, 2)
    ]
    assert planned["one", "leiden", 2].endswith("seed-2/graphs-leiden/method-leiden")
    files = comparison_plan.files(facts)
    assert len(files) == 4 * 3 and files[0] == planned["one", "leiden", 1] + "/metrics.tsv"

    Path("by_hand").mkdir()
    Path("by_hand/gone.h5ad").touch()
    assert len(comparison_plan.files(comparison_plan.facts(plan))) == 8 * 3


def test_the_reference_is_the_one_named_and_of_its_recipe_in_other_groups(in_tmp):
    more = [{"name": "leiden_p", "method": "leiden", "group": "panel"},
            {"name": "kmeans_p", "method": "kmeans", "group": "panel"},
            {"name": "ward_2", "method": "ward", "group": "other"}]  # fmt: skip
    runs = [{"name": name} for name in ("random", "kmeans", "leiden")] + more

    def found(**others):
        config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
        config |= {"datasets": [SIMULATED], "runs": runs} | others
        return comparison_plan.facts(settings.resolve(config, {}))["references"]

    assert found() == {"own": "kmeans", "panel": "kmeans_p"}
    named = {"comparison": {"reference": "leiden"}}
    assert found(**named) == {"own": "leiden", "panel": "leiden_p"}
    with pytest.raises(UserError, match="comparison.reference.*kmeans"):
        found(comparison={"reference": "random"})


def test_a_cohort_lacks_the_file_of_its_slice(in_tmp):
    plan = plan_of([{"name": "both", "slices": [SIMULATED, GONE]}])
    assert comparison_plan.facts(plan)["absent"] == {"both": "by_hand/gone.h5ad"}
    assert comparison_plan.files(comparison_plan.facts(plan)) == []


def test_so_far_are_the_runs_that_have_left_all_their_files(in_tmp):
    plan = plan_of([SIMULATED])
    assert comparison_plan.newest(comparison_plan.facts(plan, finished=True)) == 0
    first = finish(plan, "one", "leiden", 1)
    half = finish(plan, "one", "leiden", 2)
    (half / "cost.json").unlink()
    facts = comparison_plan.facts(plan, finished=True)
    assert [folder for *_, folder in facts["results"] if folder] == [str(first)]
    results = comparison.read(facts["results"], facts["controls"])
    assert len(results.costs) == 1 and len(results.planned) == 4
    # a run that was made again makes the tables stale
    before = comparison_plan.newest(facts)
    os.utime(first / "metrics.tsv", ns=(before + 10**9,) * 2)
    assert comparison_plan.newest(facts) == before + 10**9


def test_many_runs_are_planned_at_once(in_tmp):
    plan = plan_of([{"name": f"s{i}", "simulate": {}} for i in range(100)], seeds=(1, 2, 3))
    for dataset in plan.datasets:
        finish(plan, dataset, "leiden", 1)
    started = time.process_time()
    facts = comparison_plan.facts(plan, finished=True)
    assert len(comparison_plan.files(facts)) == 300 and comparison_plan.newest(facts) > 0
    assert time.process_time() - started < 2


# the studies


def study(name):
    return yaml.safe_load((ROOT / f"config/studies/{name}.yaml").read_text())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config/studies").glob("*.yaml")), ids=lambda p: p.stem
)
def test_studies_are_valid_and_treat_a_slice_alike_for_every_method(path):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | study(path.stem)
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    plan = settings.resolve(config, registry)
    # but for what a method's own card wants
    prepared = {(dataset, run.group, run.chosen["preprocess"]) for dataset, run, _ in plan.results
                if run.chosen["preprocess"] != plan.card(run.method).name}  # fmt: skip
    groups = {run.group for _, run, _ in plan.results}
    assert len(prepared) == len(plan.datasets) * len(groups)
    # every run on every slice
    names = {run.name for _, run, _ in plan.results}
    assert len(plan.results) == len(names) * len(plan.datasets) * len(config["seeds"])


def test_both_studies_run_the_same_methods_with_the_same_settings():
    full, small = study("comparison"), study("comparison_small")
    assert full.pop("datasets") != small.pop("datasets")
    assert full.pop("seeds") == [42, 43, 44, 45, 46] and small.pop("seeds") == [42, 43, 44]
    assert full == small
    # all there are for proteins of one modality, and each that competes on the same cells too
    found = cards.load()
    names = {run["name"] for run in full["runs"]}
    # the first is no method of its own, the others want several modalities or genes
    others = {"first_labels", "wnn", "mofa", "graphst", "scrcl", "scrcl_oracle", "spotscape",
              "stagate", "crct", "praga", "spamca", "spatialglue"}  # fmt: skip
    one = set(found) - others
    assert one <= names
    assert {f"{name}_i" for name in one if not found[name].control} <= names


def test_slices_say_what_their_labels_are():
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    datasets = {name for path in ("comparison", "comparison_small") for name in
                study(path)["datasets"]}  # fmt: skip
    for name in datasets:
        assert {"label_origin", "study"} <= set(registry[name]), name
    for name, entry in registry.items():
        if "SCGP" in str(entry.get("label_origin")):
            assert entry["label_kind"] == "partition", name
    assert {name for name in datasets if "defaults" in registry[name].get("labels_seen", "")} == {
        "dkd_codex_000", "schurch_009A", "schurch_regions"
    }  # fmt: skip
    assert not registry["phenoptr_lung"]["drop_unscored"]


def test_studies_of_genes_are_of_slices_alone_and_together_and_of_cells_without_places():
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for name in ("multislice", "rna"):
        text = (ROOT / f"config/studies/{name}.yaml").read_text()
        assert "Estimated: " in text and f"--configfile config/studies/{name}.yaml" in text
        plan = settings.resolve(base | study(name), registry)
        assert {seed for *_, seed in plan.results} == {42, 43, 44, 45, 46}
        assert f"| `{name}` |" in (ROOT / "README.md").read_text()
    datasets = study("multislice")["datasets"]
    for cohort in ("starmap", "starmap_regions"):
        slices = registry[cohort]["slices"]
        assert len(slices) == 2 and {cohort, *slices} <= set(datasets)
        # the same kind of labels alone and together, so that one table holds them
        kinds = {registry[d].get("label_kind", "types") for d in [cohort, *slices]}
        assert len(kinds) == 1
    for name in study("rna")["datasets"]:
        assert registry[name]["x"] is None
    # no method of the study of cells without places asks for any: its graphs have no spatial one
    plan = settings.resolve(base | study("rna"), registry)
    for _, run, _ in plan.results:
        if "graphs" in run.chosen:
            assert plan.cfg("graphs", run.chosen["graphs"])["spatial_graph"] == "none", run.name
