"""Ranks, tests and intervals, against values worked out by hand and on made tables."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spclust.comparison import evidence, significance

# four methods on six slices, no ties
SCORED = pd.DataFrame(
    {
        "a": [0.91, 0.82, 0.75, 0.66, 0.93, 0.58],
        "b": [0.85, 0.80, 0.77, 0.61, 0.90, 0.52],
        "c": [0.80, 0.84, 0.70, 0.60, 0.88, 0.55],
        "d": [0.70, 0.71, 0.52, 0.43, 0.64, 0.31],
    },
    index=[f"s{i}" for i in range(6)],
)
APART = pd.Series(SCORED.index, SCORED.index)  # every slice a study of its own


def test_ties_share_the_mean_of_their_ranks():
    blocks = pd.DataFrame({"a": [0.9, 0.5], "b": [0.9, 0.7], "c": [0.1, 0.6]})
    assert significance.average_ranks(blocks).to_dict() == {"a": 2.25, "b": 1.25, "c": 2.5}


def test_friedman_and_iman_davenport_by_hand():
    # ranks 1 2 3 4, 2 3 1 4, 2 1 3 4, 1 2 3 4, 1 2 3 4, 1 3 2 4
    ranks = significance.average_ranks(SCORED)
    assert ranks.tolist() == pytest.approx([8 / 6, 13 / 6, 15 / 6, 4])
    # 12 n / (k (k + 1)) (sum of squared ranks - k (k + 1)^2 / 4)
    expected = 12 * 6 / 20 * ((8**2 + 13**2 + 15**2 + 24**2) / 36 - 25)
    chi2, p, f, p_f = significance.friedman(SCORED)
    assert chi2 == pytest.approx(expected)
    assert p == pytest.approx(stats.chi2.sf(expected, 3))
    # it is the F of an analysis of variance of the ranks, by slices and methods
    rank = SCORED.rank(axis=1).to_numpy()
    between = 6 * ((rank.mean(0) - 2.5) ** 2).sum() / 3
    within = ((rank - rank.mean(0)) ** 2).sum() / 15
    assert f == pytest.approx(between / within)
    assert p_f == pytest.approx(stats.f.sf(between / within, 3, 15)) and p_f < p


def test_the_example_of_demsar():
    # four methods on 14 sets (his Table 6, in thousandths): their ranks, and chi2 9.28, which takes
    # no account of ties; here it does: three ties of two (6 each) and one of four (60), of 14 * 60
    table = pd.DataFrame(
        [
            [763, 768, 771, 798],
            [599, 591, 590, 569],
            [954, 971, 968, 967],
            [628, 661, 654, 657],
            [882, 888, 886, 898],
            [936, 931, 916, 931],
            [661, 668, 609, 685],
            [583, 583, 563, 625],
            [775, 838, 866, 875],
            [1000, 1000, 1000, 1000],
            [940, 962, 965, 962],
            [619, 666, 614, 669],
            [972, 981, 975, 974],
            [957, 978, 946, 970],
        ]
    )
    ranks = significance.average_ranks(table).round(3).tolist()
    assert ranks == [3.143, 2.0, 2.893, 1.964]
    chi2, _, f, p_f = significance.friedman(table)
    assert chi2 * (1 - 78 / 840) == pytest.approx(9.28, abs=0.01)
    assert f == pytest.approx(13 * chi2 / (14 * 3 - chi2))
    assert p_f == pytest.approx(stats.f.sf(f, 3, 39))
    table = pd.DataFrame({"a": [3] * 4, "b": [2] * 4, "c": [1] * 4})
    chi2, _, f, p_f = significance.friedman(table)
    # the first slice sets one of six orders, three follow it
    assert chi2 == 8 and f == np.inf and p_f == pytest.approx(6**-3)


def test_two_or_three_slices_have_no_f():
    three = pd.DataFrame({"a": [3, 2, 3], "b": [2, 3, 2], "c": [1, 1, 1]})
    chi2, p, f, p_f = significance.friedman(three)
    assert (chi2, p) == tuple(stats.friedmanchisquare(*three.to_numpy().T))
    assert np.isnan([f, p_f]).all()


def test_nothing_is_tested_where_there_is_nothing_to_test():
    one_slice = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert np.isnan(significance.friedman(one_slice)).all()
    assert np.isnan(significance.friedman(one_slice[["a", "b"]])).all()
    same = pd.DataFrame({name: [1.0, 2.0] for name in "abc"}, index=list("xy"))
    assert np.isnan(significance.friedman(same)).all()
    studies = pd.Series(list("xy"), list("xy"))
    pairs = significance.against(same, "a", studies)
    assert pairs["p_holm"].tolist() == [1, 1]
    assert significance.against(same[["a"]], "a", studies).empty


def test_wilcoxon_is_the_exact_one_of_scipy_with_holm_over_the_rivals():
    pairs = significance.against(SCORED, "a", APART).set_index("rival")
    assert pairs.index.tolist() == ["b", "c", "d"] and (pairs["slices"] == 6).all()
    # all six differences of one sign: 2 of 2^6 orders are as extreme
    assert pairs.loc["d", "p"] == 2 / 64
    assert pairs.loc["c", "p"] == stats.wilcoxon(SCORED["a"], SCORED["c"]).pvalue
    assert pairs.loc["d", "difference"] == pytest.approx((SCORED["a"] - SCORED["d"]).mean())
    # sorted times 3 2 1, then never falling
    order = np.argsort(pairs["p"].to_numpy(), kind="stable")
    raised = np.maximum.accumulate(pairs["p"].to_numpy()[order] * [3, 2, 1])
    assert pairs["p_holm"].to_numpy()[order] == pytest.approx(np.minimum(raised, 1))


def test_rivals_that_wait_count_in_the_correction():
    holes = SCORED.copy()
    holes.loc["s3", "b"] = np.nan
    table = scored(holes.fillna(-9)).replace(-9, np.nan)
    found = significance.compare(table, {"own": "a"})[2].query("metric == 'ARI'").set_index("rival")
    assert set(found.index) == {"c", "d"} and set(found["rivals"]) == {3}
    # all six differences of one sign, as the first of three and not of two
    assert found.loc["d", "p_holm"] == pytest.approx(3 * 2 / 64)
    # nor does it matter whether there is anything of those that wait
    alone = significance.compare(scored(SCORED[["a", "d"]]), {"own": "a"}, named={"own": 4})[2]
    assert set(alone["rivals"]) == {3} and set(alone["p_holm"]) == {3 * 2 / 64}


def test_equal_differences_of_rounded_scores_are_ties():
    gains = [0.1, -0.1, 0.1, -0.1, 0.1, -0.1]
    blocks = pd.DataFrame({"b": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    blocks["a"] = (blocks["b"] + gains).round(3)
    pairs = significance.against(blocks, "a", pd.Series(range(6)))
    assert pairs["p"].tolist() == [1.0]


def test_when_so_few_slices_can_show_anything():
    # 2 / 2^n times the rivals
    assert not evidence.can_be_found(5, 1) and evidence.can_be_found(6, 1)
    assert not evidence.can_be_found(6, 10) and evidence.can_be_found(9, 10)


# tables with known answers


@pytest.fixture
def swift(monkeypatch):
    """statsmodels collects garbage at every correction, 0.1 s in a process with much in it."""
    monkeypatch.setattr("gc.collect", lambda *_: 0)


def made(rng, slices=12, rivals=4, gain=0.0, per_study=1, shared=0.0):
    """Scores of a reference and rivals; slices of a study share a part of their differences."""
    n = slices // per_study
    level = rng.uniform(0.3, 0.8, size=(slices, 1))
    noise = 0.05 * rng.normal(size=(slices, rivals + 1))
    common = shared * rng.normal(size=(n, rivals + 1)).repeat(per_study, axis=0)
    table = pd.DataFrame(
        level + noise + common, columns=["ours", *(f"r{i}" for i in range(rivals))]
    )
    table["ours"] += gain
    return table, pd.Series(np.arange(slices) // per_study)


def test_none_is_found_in_noise_more_often_than_the_level_says(swift):
    rng = np.random.default_rng(1)
    wrong = {"holm": 0, "interval": 0, "all": 0}
    for _ in range(160):
        table, studies = made(rng)
        pairs = significance.against(table, "ours", studies, resamples=399)
        wrong["holm"] += (pairs["p_holm"] < 0.05).any()
        wrong["interval"] += ((pairs["low"] > 0) | (pairs["high"] < 0)).mean()
        wrong["all"] += significance.friedman(table)[3] < 0.05
    # 8 of 160 expected at most; three standard deviations above
    assert all(count <= 16 for count in wrong.values()), wrong
    assert wrong["interval"] > 2 and wrong["all"] > 2  # and no test that never speaks


def test_a_planted_difference_is_found_and_has_its_size(swift):
    rng = np.random.default_rng(2)
    found, covered = 0, 0
    for _ in range(50):
        table, studies = made(rng, gain=0.12)
        pairs = significance.against(table, "ours", studies, resamples=399)
        found += (pairs["p_holm"] < 0.05).all()
        covered += ((pairs["low"] < 0.12) & (pairs["high"] > 0.12)).mean()
    assert found >= 44 and 43 <= covered


@pytest.mark.parametrize(("n_studies", "level"), [(3, 0.75), (4, 0.875), (6, 0.95), (9, 0.95)])
def test_intervals_hold_the_truth_as_often_as_their_level(n_studies, level):
    rng = np.random.default_rng(3)
    # 600 tables at once, a column each; slices of a study share half of their variance
    common = rng.normal(size=(n_studies, 600)).repeat(2, axis=0)
    table = pd.DataFrame(0.1 + 0.05 * (common + rng.normal(size=common.shape)))
    low, high, said = significance.interval(table, pd.Series(np.arange(len(table)) // 2), 399)
    assert said == pytest.approx(level)
    assert np.mean((low < 0.1) & (high > 0.1)) == pytest.approx(level, abs=0.03)


def test_dependent_slices_widen_the_interval():
    rng = np.random.default_rng(4)
    table, studies = made(rng, 24, per_study=3, shared=0.1)
    told = significance.against(table, "ours", studies)
    untold = significance.against(table, "ours", pd.Series(np.arange(24)))
    assert told["difference"].tolist() == untold["difference"].tolist()
    assert ((told["high"] - told["low"]) > 1.2 * (untold["high"] - untold["low"])).all()
    assert told["studies"].tolist() == [8] * 4 and told["p"].tolist() == untold["p"].tolist()


def test_the_interval_repeats_and_one_study_has_none():
    table, studies = made(np.random.default_rng(5))
    first, again = (significance.against(table, "ours", studies) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    one = significance.against(table, "ours", pd.Series("s", table.index))
    assert one[["low", "high", "level"]].isna().all(axis=None) and (one["studies"] == 1).all()


# from the table of scores


def scored(blocks, labels="cell types", group="own", metrics=("ARI", "NMI")):
    """Rows as comparison.score_table has them."""
    long = blocks.rename_axis(index="dataset", columns="run").stack().rename("mean").reset_index()
    parts = [long.assign(metric=metric) for metric in metrics]
    return pd.concat(parts).assign(labels=labels, group=group, control=False)


def test_every_table_is_compared_by_itself():
    regions = SCORED[["a", "b", "c"]].add_prefix("new ").set_axis([f"t{i}" for i in range(6)])
    table = pd.concat(
        [
            scored(SCORED),
            scored(regions.rename(columns=lambda c: c[-1]), "regions"),
            scored(SCORED[["b", "d"]].add_suffix("_p"), group="panel"),
        ]
    )
    ranks, overall, pairs = significance.compare(table, {"own": "b", "panel": "b_p"}, {"s0": "x"})
    where = ["labels", "group", "metric"]
    assert overall.set_index(where)["methods"].to_dict() == {
        ("cell types", "own", "ARI"): 4,
        ("cell types", "own", "NMI"): 4,
        ("cell types", "panel", "ARI"): 2,
        ("cell types", "panel", "NMI"): 2,
        ("regions", "own", "ARI"): 3,
        ("regions", "own", "NMI"): 3,
    }
    found = ranks.set_index([*where, "run"])["average_rank"].sort_index()
    expected = significance.average_ranks(SCORED).to_dict()
    assert found["cell types", "own", "ARI"].to_dict() == expected
    assert found["cell types", "own", "all"].to_dict() == expected
    rivals = pairs.drop_duplicates([*where[:2], "rival"]).groupby(where[:2])["rival"].agg(list)
    assert rivals.to_dict() == {
        ("cell types", "own"): ["a", "c", "d"],
        ("cell types", "panel"): ["d_p"],
        ("regions", "own"): ["a", "c"],
    }


def test_slices_of_one_study_are_resampled_together():
    studies = dict.fromkeys(["s0", "s1", "s2"], "x")
    pairs = significance.compare(scored(SCORED), {"own": "a"}, studies)[2]
    assert set(pairs["studies"]) == {4} and set(pairs["level"]) == {0.875}
    low = pairs.set_index(["metric", "rival"]).loc[("ARI", "c"), "low"]
    gaps = (SCORED["a"] - SCORED["c"]).to_numpy()
    assert low == pytest.approx(min(gaps[:3].mean(), *gaps[3:]))


def test_what_is_not_printed_ranks_nobody():
    blocks = pd.DataFrame({"a": [0.50004], "b": [0.49996]}, index=["s"])
    assert set(significance.compare(scored(blocks))[0]["average_rank"]) == {1.5}


def test_a_reference_that_lacks_a_slice_has_no_pairs():
    holes = SCORED.copy()
    holes.loc["s3", "a"] = np.nan
    table = scored(holes.fillna(-9)).replace(-9, np.nan)
    ranks, _, pairs = significance.compare(table, {"own": "a"})
    assert pairs.empty and set(ranks["run"]) == {"b", "c", "d"}


def test_nobody_to_compare_leaves_empty_tables():
    nobody = scored(SCORED).assign(control=True)
    ranks, overall, pairs = significance.compare(nobody)
    assert ranks.empty and overall.empty and pairs.empty
    assert {"labels", "group", "metric", "reference", "rival", "p_holm"} <= set(pairs)
