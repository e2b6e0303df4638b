"""The tables of a comparison, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from compared import THREE, column, compared, leave, notes_of, ranks_of, statistics

from spclust.comparison import results as comparison
from spclust.comparison import text as comparison_text
from spclust.data import scores as reporting
from spclust.errors import UserError


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
        ["cell types", "two"],
        ["regions", "one"],
    ]
    ranks = ranks_of(table)
    assert column(ranks, "average_rank", labels="regions", metric="ARI")["a"] == 1.5
    assert column(ranks, "average_rank", labels="cell types", metric="ARI")["c"] == 1
    page = comparison_text.scores(table, ranks, [1, 2], notes_of(compared(tmp_path / "x", THREE)))
    assert page.index("## Cell types") < page.index("| two |") < page.index("## Regions")


def test_runs_of_a_group_meet_each_other_only(tmp_path):
    both = THREE | {
        (d, f"{run}_p"): [0.95 if run == "b" else 0.1, 0.95] for d in ("one", "two") for run in "ab"
    }
    groups = {"a_p": "panel", "b_p": "panel"}
    table = comparison.score_table(compared(tmp_path, both, groups=groups))
    assert column(table, "place", dataset="one", metric="ARI") == {
        "a": "best",
        "b": "best",
        "c": "second",
        "a_p": "second",
        "b_p": "best",
        "random": None,
        "truth": None,
    }
    ranks, overall, pairs = statistics(table)
    assert column(ranks, "average_rank", group="panel", metric="all") == {"a_p": 2, "b_p": 1}
    assert overall.groupby("group")["methods"].first().to_dict() == {"own": 3, "panel": 2}
    assert pairs.groupby("group")["rival"].unique().map(list).to_dict() == {
        "own": ["b", "c"],
        "panel": ["b_p"],
    }
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
    *ranked, pairs = statistics(table)
    *ranked_full, of_full = statistics(comparison.score_table(full))
    for found, expected in zip(ranked, ranked_full):
        pd.testing.assert_frame_equal(found, expected)
    # in the correction alone it counts: it was one of those named
    corrected = ["rivals", "p_holm"]
    pd.testing.assert_frame_equal(pairs.drop(columns=corrected), of_full.drop(columns=corrected))
    assert set(pairs["rivals"]) == {3} and set(of_full["rivals"]) == {2}
    notes = notes_of(results)
    assert notes[0].splitlines()[0] == "- No result of d on two (seed 1, 2)."
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
    assert notes[0].splitlines()[0] == "- No data for gone: there is no by_hand/gone.h5ad."
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


def test_a_file_that_is_not_here_is_named_where_nothing_else_is(tmp_path):
    with pytest.raises(UserError, match="there is no my.csv, the file of the dataset one; check"):
        comparison.read([("one", "a", 1, None)], absent={"one": "my.csv"})


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
        "a": "second",
        "b": "best",
    }
    page = comparison_text.rare_classes(table, [1], [])
    assert "| one | rare 2 (6 cells) | precision | **1.000** | **1.000** |" in page
    assert "|  | rare 1 (4 cells) |" in page and "Seed 1." in page


def test_classes_and_slices_may_be_called_like_missing_values(tmp_path, monkeypatch):
    monkeypatch.setattr("compared.CLASSES", ["common", "NA", "None"])
    results = compared(tmp_path, {("one", "a"): [0.5]})
    table = comparison.rare_class_table(results)
    assert {"NA", "None"} < set(table["class"]) and table["mean"].notna().all()


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


def test_the_mode_of_some_seeds_is_told_with_them(tmp_path):
    planned = []
    for seed, mode in ((1, "exact"), (2, "stochastic"), (3, "stochastic")):
        leave(tmp_path / str(seed), 0.5, mode=mode)
        planned.append(("one", "a", seed, str(tmp_path / str(seed))))
    text, *_ = notes_of(comparison.read(planned))
    assert "- a was in exact mode on one (seed 1).\n" in text
    assert "- a was in stochastic mode on one (seed 2, 3)." in text


def test_of_a_cohort_all_its_cells_are_compared(tmp_path):
    """Its slices have rows of their own in a run's tables."""
    alone = compared(tmp_path / "alone", THREE)
    cohort = compared(tmp_path / "cohort", THREE, slices=("p05", "p13"))
    for table in (comparison.score_table, comparison.rare_class_table, comparison.cost_table):
        pd.testing.assert_frame_equal(table(alone), table(cohort))
