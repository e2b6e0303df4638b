"""Summaries over seeds, places and titles."""

import numpy as np
import pandas as pd
import pytest

from spclust.data import scores as reporting

BY = ["dataset", "run", "slice", "metric"]


def long():
    rows = [
        ("d", run, seed, of, "ARI", value)
        for run, found in {"b": (0.5, 0.7, 0.9), "a": (0.1,)}.items()
        for seed, value in enumerate(found)
        for of in ("all", "s")
    ]
    return pd.DataFrame(rows, columns=["dataset", "run", "seed", "slice", "metric", "value"])


def test_mean_and_sd_leave_the_sd_of_one_seed_empty_and_keep_the_order():
    table = reporting.mean_and_sd(long(), BY)
    assert table["run"].tolist() == ["b", "b", "a", "a"]
    assert table["slice"].tolist() == ["all", "s"] * 2
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["mean"], first["sd"], first["seeds"]) == pytest.approx((0.7, 0.2, 3))
    assert np.isnan(last["sd"]) and last["seeds"] == 1


def test_seeds_counts_those_with_a_value():
    table = reporting.mean_and_sd(long().assign(value=[0.5, 0.5, np.nan, 1, 0.7, 1, 1, 1]), BY)
    assert table["seeds"].tolist() == [2, 3, 1, 1] and table["mean"].iloc[0] == pytest.approx(0.6)


def places(means, order=1, control=None):
    table = pd.DataFrame({"metric": "m", "mean": means, "control": control or [False] * len(means)})
    return reporting.with_places(table, ["metric"], order)["place"].fillna("").tolist()


def test_what_is_printed_alike_shares_a_place():
    assert places([0.8, 0.8004, 0.7, 0.6]) == ["best", "best", "second", ""]
    # tables hold six digits, and print three of those
    assert places([0.84549996, 0.84550004]) == ["best", "best"]


def test_controls_and_missing_means_do_not_compete():
    assert places([1.0, 0.8, np.nan, 0.7], control=[True, False, False, False]) == [
        "",
        "best",
        "",
        "second",
    ]


def test_the_least_wins_a_cost_and_nobody_a_metric_without_order():
    assert places([3.0, 1.0, 2.0], order=-1) == ["", "best", "second"]
    assert places([3.0, 1.0], order=0) == ["", ""]
    assert places([3.0, 1.0], order=pd.Series([0, 1])) == ["", "best"]


def test_places_are_those_of_each_group():
    table = pd.DataFrame({"metric": ["x", "x", "y"], "mean": [1.0, 2.0, 0.0], "control": False})
    assert reporting.with_places(table, ["metric"])["place"].tolist() == ["second", "best", "best"]


def test_rounding_keeps_the_digits_of_p_values():
    table = reporting.rounded(pd.DataFrame({"mean": [0.12345678], "p_holm": [1.23456789e-9]}))
    assert table.iloc[0].tolist() == [0.123457, 1.23457e-9]


def test_methods_are_compared_by_the_scores_of_the_paper():
    assert list(reporting.titles(reporting.METRICS).values()) == ["ACC", "ARI", "NMI", "macro-F1"]
