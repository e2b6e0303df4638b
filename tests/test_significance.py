"""Ranks, tests and groups of methods, against values worked out by hand and by scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spclust import significance

# four methods on six blocks, no ties
SCORED = pd.DataFrame(
    {
        "a": [0.91, 0.82, 0.75, 0.66, 0.93, 0.58],
        "b": [0.85, 0.80, 0.77, 0.61, 0.90, 0.52],
        "c": [0.80, 0.84, 0.70, 0.60, 0.88, 0.55],
        "d": [0.70, 0.71, 0.52, 0.43, 0.64, 0.31],
    }
)


def test_ties_share_the_mean_of_their_ranks():
    blocks = pd.DataFrame({"a": [0.9, 0.5], "b": [0.9, 0.7], "c": [0.1, 0.6]})
    assert significance.average_ranks(blocks).to_dict() == {"a": 2.25, "b": 1.25, "c": 2.5}


def test_friedman_by_hand():
    # ranks 1 2 3 4, 2 3 1 4, 2 1 3 4, 1 2 3 4, 1 2 3 4, 1 3 2 4
    ranks = significance.average_ranks(SCORED)
    assert ranks.tolist() == pytest.approx([8 / 6, 13 / 6, 15 / 6, 4])
    # 12 n / (k (k + 1)) (sum of squared ranks - k (k + 1)^2 / 4)
    expected = 12 * 6 / 20 * ((8**2 + 13**2 + 15**2 + 24**2) / 36 - 25)
    chi2, p = significance.friedman(SCORED)
    assert chi2 == pytest.approx(expected)
    assert p == pytest.approx(stats.chi2.sf(expected, 3))


def test_critical_differences_of_the_tabled_quantiles():
    # q at 5 %, Demšar (2006), Table 5a: 2.569 for 4 methods, 3.164 for 10
    expected = 2.569 * np.sqrt(20 / 84)
    assert significance.critical_difference(4, 14) == pytest.approx(expected, abs=1e-3)
    assert significance.critical_difference(10, 30) == pytest.approx(
        3.164 * np.sqrt(110 / 180), abs=1e-3
    )
    assert significance.critical_difference(2, 1) == pytest.approx(1.960, abs=1e-3)
    assert np.isnan(significance.critical_difference(1, 5))


def test_nothing_is_tested_where_there_is_nothing_to_test():
    one_block = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert np.isnan(significance.friedman(one_block)).all()
    assert np.isnan(significance.friedman(one_block[["a", "b"]])).all()
    same = pd.DataFrame({name: [1.0, 2.0] for name in "abc"})
    assert np.isnan(significance.friedman(same)).all()
    assert significance.wilcoxon_holm(same)["p_holm"].tolist() == [1, 1, 1]


def test_wilcoxon_is_the_exact_one_of_scipy_and_says_by_how_much():
    pairs = significance.wilcoxon_holm(SCORED).set_index(["first", "second"])
    assert len(pairs) == 6 and (pairs["blocks"] == 6).all()
    # all six differences of one sign: 2 of 2^6 orders are as extreme
    assert pairs.loc[("a", "d"), "p"] == 2 / 64
    assert pairs.loc[("a", "d"), "median_difference"] == pytest.approx(0.23)
    assert pairs.loc[("a", "c"), "p"] == stats.wilcoxon(SCORED["a"], SCORED["c"]).pvalue
    assert pairs.loc[("a", "d"), "p_holm"] == pytest.approx(6 / 32)


def test_holm_by_hand():
    pairs = significance.wilcoxon_holm(SCORED)
    # sorted times 6 5 4 3 2 1, then never falling
    order = np.argsort(pairs["p"].to_numpy(), kind="stable")
    raised = np.maximum.accumulate(pairs["p"].to_numpy()[order] * np.arange(6, 0, -1))
    assert pairs["p_holm"].to_numpy()[order] == pytest.approx(np.minimum(raised, 1))


def test_methods_are_compared_over_slices_and_seeds_and_over_slices():
    long = pd.DataFrame(
        [(f"s{i // 2}", run, i % 2, metric, value)
         for metric in ("ARI", "NMI") for run in SCORED for i, value in enumerate(SCORED[run])],
        columns=["dataset", "run", "seed", "metric", "value"],
    )  # fmt: skip
    ranks, overall, pairs = significance.compare(long, ["a", "b", "d"])
    three = SCORED[["a", "b", "d"]]
    means = three.groupby(np.arange(6) // 2).mean()
    for unit, blocks in (("slices and seeds", three), ("slices", means)):
        found = ranks[ranks["unit"] == unit].set_index(["metric", "run"])["average_rank"]
        expected = significance.average_ranks(blocks)
        assert found["ARI"].to_dict() == expected.to_dict() == found["all"].to_dict()
        test = overall[overall["unit"] == unit].set_index("metric").loc["NMI"]
        assert test["blocks"] == len(blocks) and test["methods"] == 3
        assert (test["chi2"], test["p"]) == pytest.approx(significance.friedman(blocks))
        part = pairs[(pairs["unit"] == unit) & (pairs["metric"] == "NMI")]
        assert part["p_holm"].tolist() == significance.wilcoxon_holm(blocks)["p_holm"].tolist()


def test_what_is_not_printed_ranks_nobody():
    long = pd.DataFrame(
        [("s", "a", 1, "ARI", 0.50004), ("s", "b", 1, "ARI", 0.49996)],
        columns=["dataset", "run", "seed", "metric", "value"],
    )
    assert set(significance.compare(long, ["a", "b"])[0]["average_rank"]) == {1.5}


def test_nobody_to_compare_leaves_empty_tables():
    long = pd.DataFrame(columns=["dataset", "run", "seed", "metric", "value"])
    ranks, overall, pairs = significance.compare(long, [])
    assert ranks.empty and overall.empty and pairs.empty
    assert {"unit", "metric", "first", "second", "p_holm"} <= set(pairs)
