"""The tables and figures of a comparison, against numbers worked out by hand."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from workflow import ROOT

from spclust import benchmark, benchmark_text
from spclust.errors import UserError
from spclust.plots import benchmark as figures
from spclust.plots.benchmark import cliques

CONTROLS = ["random", "truth"]
CLASSES = ["common", "rare 1", "rare 2"]


def leave(folder, score, f1=(0.9, 0.5, 0.3), gpu=0.0, seconds=2.0, labelled=True, **cost):
    """What a run leaves, all its scores the same."""
    folder.mkdir(parents=True)
    names = [*benchmark.SCORES] if labelled else []
    scores = {name: score for name in names} | {"silhouette": 0.1}
    pd.DataFrame({"metric": scores.keys(), "value": scores.values()}).to_csv(
        folder / "metrics.tsv", sep="\t", index=False
    )
    classes = pd.DataFrame(
        {"class": CLASSES, "cells": [90, 4, 6], "cluster": [0, 1, 2], "rare": [False, True, True],
         "precision": 1.0, "recall": 0.5, "f1": f1}
    )  # fmt: skip
    classes.iloc[: 3 if labelled else 0].to_csv(folder / "class_metrics.tsv", sep="\t", index=False)
    values = {"seconds": seconds, "peak_memory_mb": 300.0, "peak_gpu_memory_mb": gpu}
    (folder / "cost.json").write_text(json.dumps(values | {"device": "cpu", "threads": 1} | cost))


def compared(folder, values, controls=CONTROLS, **options):
    """Results of runs with these scores: {(dataset, run): a score per seed, None where missing}."""
    planned = []
    for (dataset, run), scores in values.items():
        for seed, score in enumerate(scores, start=1):
            place = folder / dataset / run / str(seed)
            if score is not None:
                leave(place, score, **options)
            planned.append((dataset, run, seed, None if score is None else str(place)))
    return benchmark.read(planned, controls)


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
    table = benchmark.score_table(compared(tmp_path, THREE))
    where = {"dataset": "one", "metric": "ARI"}
    assert column(table, "mean", **where) == pytest.approx(
        {"a": 0.85, "b": 0.85, "c": 0.3, "random": 0, "truth": 1}
    )
    assert column(table, "sd", **where)["a"] == pytest.approx(np.sqrt(0.005))
    assert set(column(table, "seeds", **where).values()) == {2}
    assert table["metric"].unique().tolist() == ["ACC", "ARI", "NMI", "macro-F1"]


def test_equal_means_share_rank_and_place_and_controls_have_neither(tmp_path):
    table = benchmark.score_table(compared(tmp_path, THREE))
    one, two = ({"dataset": name, "metric": "ACC"} for name in ("one", "two"))
    none = {"random": None, "truth": None}
    assert column(table, "place", **one) == {"a": "best", "b": "best", "c": "second"} | none
    assert column(table, "rank", **one) == {"a": 1.5, "b": 1.5, "c": 3} | none
    assert column(table, "place", **two) == {"a": "second", "b": None, "c": "best"} | none
    assert column(table, "rank", **two) == {"a": 2, "b": 3, "c": 1} | none


def test_what_is_not_printed_decides_nothing(tmp_path):
    values = {("one", "a"): [0.50004], ("one", "b"): [0.49996]}
    table = benchmark.score_table(compared(tmp_path, values))
    assert column(table, "place", metric="ACC") == {"a": "best", "b": "best"}
    assert column(table, "rank", metric="ACC") == {"a": 1.5, "b": 1.5}


def test_average_ranks_over_slices_and_over_slices_and_seeds(tmp_path):
    results = compared(tmp_path, THREE)
    ranks, friedman, pairs = benchmark.tests(results, benchmark.score_table(results))
    where = {"unit": "slices", "metric": "NMI"}
    assert column(ranks, "average_rank", **where) == {"a": 1.75, "b": 2.25, "c": 2}
    assert column(ranks, "average_rank", unit="slices", metric="all")["a"] == 1.75
    short = benchmark_text.in_short(ranks)
    assert short == "average ranks (1 is best): a 1.8, c 2.0, b 2.2"
    # per seed: a is 2nd, 1st, 2.5th, 2nd
    where["unit"] = "slices and seeds"
    assert column(ranks, "average_rank", **where) == {"a": 1.875, "b": 2.125, "c": 2}
    assert friedman.set_index(["unit", "metric"])["blocks"].loc[[("slices", "ACC")]].tolist() == [2]
    assert len(pairs) == 2 * 4 * 3 and set(pairs["first"]) == {"a", "b"}


def test_a_method_that_failed_on_a_slice_has_no_rank_and_changes_no_other(tmp_path):
    full = compared(tmp_path / "full", THREE)
    holes = THREE | {("one", "d"): [0.99, 0.99], ("two", "d"): [None, None]}
    results = compared(tmp_path / "holes", holes)
    table = benchmark.score_table(results)
    assert benchmark.compared(table) == ["a", "b", "c"]
    assert column(table, "mean", dataset="two", metric="ACC")["d"] is None
    # best where it ran, but out of the ranks
    assert column(table, "place", dataset="one", metric="ACC")["d"] == "best"
    assert column(table, "rank", dataset="one", metric="ACC")["d"] is None
    for found, expected in zip(
        benchmark.tests(results, table), benchmark.tests(full, benchmark.score_table(full))
    ):
        pd.testing.assert_frame_equal(found, expected)
    notes = benchmark_text.notes(results, {}, {})
    assert notes == ["No result of d on two (seed 1, 2)."]
    page = benchmark_text.scores(table, benchmark.tests(results, table)[0], [1, 2], notes)
    assert "without one, for want of a slice: d." in page and notes[0] in page


def test_a_failed_seed_leaves_the_mean_of_the_others_and_drops_its_block(tmp_path):
    results = compared(tmp_path, THREE | {("two", "c"): [0.9, None]})
    table = benchmark.score_table(results)
    assert column(table, "seeds", dataset="two", metric="ACC")["c"] == 1
    assert column(table, "sd", dataset="two", metric="ACC")["c"] is None
    _, friedman, _ = benchmark.tests(results, table)
    assert friedman.groupby("unit")["blocks"].first().to_dict() == {
        "slices": 2, "slices and seeds": 3
    }  # fmt: skip


def test_a_slice_without_any_result_keeps_its_empty_row_and_disqualifies_nobody(tmp_path):
    results = compared(tmp_path, THREE | {("gone", run): [None, None] for run in "abc"})
    table = benchmark.score_table(results)
    assert set(column(table, "mean", dataset="gone", metric="ACC").values()) == {None}
    assert benchmark.compared(table) == ["a", "b", "c"]
    notes = benchmark_text.notes(results, {}, {"gone": "by_hand/gone.h5ad"})
    assert notes == ["No data for gone: there is no by_hand/gone.h5ad."]
    ranks = benchmark.tests(results, table)[0]
    row = next(
        line
        for line in benchmark_text.scores(table, ranks, [1, 2], notes).splitlines()
        if line.startswith("| gone | ACC")
    )
    assert row == "| gone | ACC |" + "  |" * 5


def test_a_slice_without_labels_has_costs_only(tmp_path):
    results = compared(tmp_path, {("bare", "a"): [0, 0], ("bare", "b"): [0, 0]}, labelled=False)
    scores = benchmark.score_table(results)
    assert scores["mean"].isna().all() and benchmark.compared(scores) == []
    assert benchmark.rare_class_table(results).empty
    assert column(benchmark.cost_table(results), "mean", metric="time (s)") == {"a": 2, "b": 2}
    ranks, friedman, pairs = benchmark.tests(results, scores)
    assert ranks.empty and friedman.empty and pairs.empty
    assert "No class of these slices is rare" in benchmark_text.rare_classes(
        benchmark.rare_class_table(results), [1, 2], []
    )


def test_small_p_values_are_not_rounded_to_zero():
    table = pd.DataFrame({"run": ["a", "b"], "p": [1.23456789e-12, None], "chi2": [1 / 3, 2.0]})
    found = benchmark.rounded(table)
    assert found["chi2"].tolist() == [0.333333, 2.0]
    assert found["p"][0] == 1.23457e-12 and pd.isna(found["p"][1])


def test_nothing_finished_is_said(tmp_path):
    with pytest.raises(UserError, match="no run of this configuration is finished.*--keep-going"):
        compared(tmp_path, {("one", "a"): [None]})


def test_rare_classes_and_their_mean_the_larger_first(tmp_path):
    leave(tmp_path / "a", 0.5, f1=(0.9, 0.5, 0.3))
    leave(tmp_path / "b", 0.5, f1=(0.1, 0.6, 0.3))
    planned = [("one", "a", 1, str(tmp_path / "a")), ("one", "b", 1, str(tmp_path / "b"))]
    table = benchmark.rare_class_table(benchmark.read(planned))
    assert table["class"].unique().tolist() == ["rare 2", "rare 1", benchmark.ALL_RARE]
    assert column(table, "mean", **{"class": "rare 1", "metric": "F1"}) == {"a": 0.5, "b": 0.6}
    assert column(table, "mean", **{"class": benchmark.ALL_RARE, "metric": "F1"}) == pytest.approx(
        {"a": 0.4, "b": 0.45}
    )
    assert column(table, "place", **{"class": "rare 1", "metric": "F1"}) == {
        "a": "second", "b": "best"
    }  # fmt: skip
    page = benchmark_text.rare_classes(table, [1], [])
    assert "| one | rare 2 (6 cells) | precision | **1.000** | **1.000** |" in page
    assert "|  | rare 1 (4 cells) |" in page and "Seed 1." in page


def test_costs_say_where_and_leave_an_unused_gpu_out(tmp_path):
    planned = []
    for run, gpu, cost in (("a", 512.0, {"device": "H100", "mode": "exact"}), ("b", 0.0, {})):
        for seed, seconds in ((1, 100.0), (2, 300.0)):
            leave(tmp_path / run / str(seed), 0.5, gpu=gpu, seconds=seconds, **cost)
            planned.append(("one", run, seed, str(tmp_path / run / str(seed))))
    results = benchmark.read(planned)
    table = benchmark.cost_table(results)
    assert column(table, "mean", metric="time (s)") == {"a": 200, "b": 200}
    page = benchmark_text.costs(table, [1, 2], benchmark_text.notes(results, {}, {}))
    assert "| one | time (s) | 200 ± 141 | 200 ± 141 |" in page
    assert "|  | peak GPU memory (MB) | 512 ± 0 | – |" in page
    assert "H100 (threads: 1): a; cpu (threads: 1): b." in page
    assert "- a was in exact mode on one." in page


def test_the_page_of_scores_marks_best_and_second_and_says_who_made_the_labels(tmp_path):
    results = compared(tmp_path, THREE)
    table = benchmark.score_table(results)
    ranks = benchmark.tests(results, table)[0]
    notes = benchmark_text.notes(results, {"one": "the SCGP partition", "two": "hand"}, {})
    lines = benchmark_text.scores(table, ranks, [1, 2], notes).splitlines()
    assert "| dataset | metric | a | b | c | random | truth |" in lines
    assert (
        "| one | ACC | **0.850 ± 0.071** | **0.850 ± 0.000** | <ins>0.300 ± 0.141</ins> "
        "| 0.000 ± 0.000 | 1.000 ± 0.000 |" in lines
    )
    assert "| average rank | ACC | **1.75** | 2.25 | <ins>2.00</ins> |  |  |" in lines
    assert "|  | all | **1.75** | 2.25 | <ins>2.00</ins> |  |  |" in lines
    assert "- Labels of one: the SCGP partition." in lines
    assert any("random, truth bound the table and do not compete" in line for line in lines)


def test_numbers_in_the_pages():
    assert [benchmark_text.score(v) for v in (-0.0001, 0.12345, -0.02)] == [
        "0.000",
        "0.123",
        "-0.020",
    ]
    assert [benchmark_text.cost(v) for v in (1234.5, 99.94, 0.01234)] == ["1234", "99.9", "0.0123"]


def drawn(folder, results):
    scores = benchmark.score_table(results)
    ranks, friedman, pairs = benchmark.tests(results, scores)
    tables = {
        "scores": scores, "rare_classes": benchmark.rare_class_table(results),
        "costs": benchmark.cost_table(results), "average_ranks": ranks, "friedman": friedman,
        "wilcoxon": pairs,
    }  # fmt: skip
    read_again = {}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
        read_again[name] = pd.read_csv(folder / f"{name}.tsv", sep="\t")
    figures.draw(folder / "figures", read_again)
    return {path.name for path in (folder / "figures").iterdir()}


def both(*names):
    return {f"{name}.{kind}" for name in names for kind in ("png", "pdf")}


def test_every_table_has_its_figure(tmp_path):
    names = drawn(tmp_path, compared(tmp_path, THREE, gpu=10.0))
    assert names == both("scores", "rare_classes", "costs", "critical_difference")


def test_holes_one_method_and_one_slice_can_be_drawn(tmp_path):
    holes = compared(tmp_path / "x", {("one", "a"): [0.5, None], ("two", "a"): [None, None]})
    assert drawn(tmp_path / "x", holes) == both("scores", "rare_classes", "costs")
    bare = compared(tmp_path / "y", {("one", "a"): [0], ("one", "b"): [0]}, labelled=False)
    assert drawn(tmp_path / "y", bare) == both("scores", "costs")
    two = compared(tmp_path / "z", {("one", "a"): [0.5], ("one", "b"): [0.7]})
    assert "critical_difference.png" in drawn(tmp_path / "z", two)


def test_the_scores_figure_writes_every_mean_and_a_dash_where_there_is_none(tmp_path):
    results = compared(tmp_path, THREE | {("two", "b"): [None, None]})
    table = benchmark.score_table(results)
    fig = figures.scores(table, benchmark.tests(results, table)[0])
    panel = next(ax for ax in fig.axes if ax.get_title() == "ARI")
    texts = [text.get_text() for text in panel.texts]
    assert sorted(texts[:10]) == sorted(
        [".85", ".85", ".30", ".00", "1.00", ".60", "–", ".90", ".00", "1.00"]
    )
    assert texts[10:] == ["1.5", "1.5"]


def test_both_studies_run_the_same_methods_with_the_same_settings():
    full, small = (
        yaml.safe_load((ROOT / f"config/studies/{name}.yaml").read_text())
        for name in ("benchmark", "benchmark_small")
    )
    assert full.pop("datasets") != small.pop("datasets")
    assert full.pop("seeds") == [42, 43, 44, 45, 46] and small.pop("seeds") == [42, 43, 44]
    assert full == small
    assert {run.get("method", "spclust") for run in full["runs"]} >= {"leiden", *CONTROLS}


def pairs_of(methods, differ):
    return pd.DataFrame(
        [
            (a, b, 0.01 if {a, b} in differ else 0.5)
            for i, a in enumerate(methods)
            for b in methods[i + 1 :]
        ],
        columns=["first", "second", "p_holm"],
    )


def test_cliques_join_all_that_do_not_differ_and_nothing_else():
    found = cliques(pairs_of("abcd", [{"a", "d"}, {"b", "d"}]))
    assert set(found) == {frozenset("abc"), frozenset("cd")}
    assert cliques(pairs_of("abc", [])) == [frozenset("abc")]
    assert cliques(pairs_of("ab", [{"a", "b"}])) == []


def test_a_clique_may_leave_out_a_method_whose_rank_lies_between():
    found = cliques(pairs_of("abc", [{"a", "b"}, {"b", "c"}]))
    assert found == [frozenset("ac")]


def test_many_methods_have_their_cliques_at_once():
    # the 2^40 sets of so many could not be tried one by one
    names = [f"m{i:02}" for i in range(40)]
    found = cliques(pairs_of(names, [{"m00", "m01"}]))
    assert set(found) == {frozenset(names) - {"m01"}, frozenset(names) - {"m00"}}
