"""Figures over all runs of the summary."""

import numpy as np
import pandas as pd
import pytest

from spclust.analyses import metrics
from spclust.plots import summary


def long_table(seeds=3, slices=()):
    rng = np.random.default_rng(0)
    rows, scores, clusters = [], [], []
    for i, run in enumerate(["good", "better", "random"]):
        for seed in range(seeds):
            rows.append(["slice", run, run, seed])
            value = [0.5, 0.8, 0.9][i]
            table = pd.DataFrame(
                {"metric": ["ARI", "rare_F1", "n_clusters"], "value": [value, np.nan, 4]}
            )
            scores.append(pd.concat([table.assign(slice=name) for name in ("all", *slices)]))
            clusters.append(pd.Series(rng.integers(0, 2, 30)))
    return metrics.collect(rows, scores, clusters)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_summary_has_a_table_and_a_figure_for_each_dataset(tmp_path, seeds):
    both = [long_table(seeds), long_table(seeds, ["p1", "p2"]).assign(dataset="cohort")]
    summary.plot_summary(tmp_path / "figures", pd.concat(both), ["random"])
    names = ["table_slice", "metrics_slice", "table_cohort", "metrics_cohort", "slices_cohort"]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"{name}.png" for name in names
    }


def test_the_figure_of_slices_has_a_dot_for_each():
    of_slices = long_table(slices=["p1", "p2"]).query("slice != 'all'")
    ax = next(ax for ax in summary.slices(of_slices, "d").axes if ax.get_title() == "ARI")
    found = [points.get_offsets()[:, 0].tolist() for points in ax.collections]
    np.testing.assert_allclose(found, [[0.5] * 2, [0.8] * 2, [0.9] * 2])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["good", "better", "random"]


def test_the_best_run_is_bold_and_no_control_ever_is():
    texts = summary.table(long_table(), "slice", ["random"]).axes[0].texts
    bold = [t.get_text() for t in texts if t.get_weight() == "bold"][1:]  # the first is the title
    ari = [t.get_text() for t in texts if t.get_text() in ("0.500", "0.800", "0.900")]
    assert ari == ["0.500", "0.800", "0.900"] and "0.800" in bold and "0.900" not in bold
    assert "4" not in bold
    assert [t.get_text() for t in texts].count("–") == 3
