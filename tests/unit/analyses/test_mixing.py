"""How well slices mix and classes stay apart in an embedding."""

import numpy as np
import pandas as pd
import pytest
from planted import cells_of

from spclust.analyses import metrics, mixing
from spclust.data import scores as reporting


def made(gap, n=300, width=6, seed=0):
    """Two slices at ``gap`` from each other, each of two classes far apart."""
    rng, slices = np.random.default_rng(seed), np.arange(n) % 2
    labels = np.arange(n) // 2 % 2
    x = rng.normal(size=(n, width))
    x[:, 0] += gap * slices
    x[:, 1] += 40 * labels
    return x, np.array(["one", "two"])[slices], np.array(["a", "b"], object)[labels]


def test_mixed_slices_reach_one_and_separated_ones_zero():
    mixed, apart = (mixing.mixing(*made(gap), 0) for gap in (0, 40))
    assert mixed["iLISI"] > 0.9 and apart["iLISI"] < 1e-6
    assert mixed["cLISI"] > 1 - 1e-6 and apart["cLISI"] > 1 - 1e-6
    between = mixing.mixing(*made(2), 0)["iLISI"]
    assert 0.2 < between < 0.8


def test_classes_on_each_other_lose_the_other_figure():
    x, slices, labels = made(0)
    x[:, 1] = 0
    assert mixing.mixing(x, slices, labels, 0)["cLISI"] < 0.1


def test_it_is_the_inverse_simpson_index_of_neighbours():
    # 92 cells at equal distances: nearly all others are neighbours and count alike
    groups, shares = np.repeat(["a", "b", "c"], [46, 23, 23]), np.array([0.5, 0.25, 0.25])
    expected = (1 / (shares**2).sum() - 1) / 2
    assert mixing.scaled_lisi(np.eye(92), groups) == pytest.approx(expected, abs=0.02)


def test_a_wide_embedding_is_searched_in_its_principal_components():
    x, slices, labels = made(40, width=60)
    found = mixing.mixing(x, slices, labels, 0)
    assert found["iLISI"] < 1e-6 and found == mixing.mixing(x, slices, labels, 0)
    assert mixing.mixing(made(0, width=60)[0], slices, labels, 0)["iLISI"] > 0.85


def test_cells_without_a_label_count_for_slices_only():
    x, slices, labels = made(0)
    labels[150:] = np.nan
    x[150:, 0] += 40 * (slices[150:] == "two")
    found = mixing.mixing(x, slices, labels, 0)
    assert found["cLISI"] == pytest.approx(1)
    assert 0.2 < mixing.mixing(x[:150], slices[:150], labels[:150], 0)["iLISI"]
    assert set(mixing.mixing(x, slices, np.full(300, np.nan), 0)) == {"iLISI"}


def test_too_few_cells_one_slice_or_one_class_have_none():
    x, slices, labels = made(0)
    few = mixing.mixing(x[:90], slices[:90], labels[:90], 0)
    assert np.isnan(list(few.values())).all() and len(few) == 2
    assert np.isnan(mixing.scaled_lisi(x, np.repeat("one", 300)))


def evaluated(x, slices, labels, **others):
    cells = cells_of(x, np.random.default_rng(0).random((len(x), 2)), slices, slice=slices)
    code = np.unique(labels.astype(str), return_inverse=True)[1]
    return metrics.evaluate(cells, labels, code, x, 0, **others)[0]


def test_metrics_of_a_cohort_have_them_once_and_those_of_a_slice_do_not():
    x, slices, labels = made(0)
    scores = evaluated(x, slices.astype(object), labels)
    lisi = scores[scores["metric"].isin(["iLISI", "cLISI"])]
    assert lisi["slice"].tolist() == ["all", "all"]
    assert dict(zip(lisi["metric"], lisi["value"])) == mixing.mixing(x, slices, labels, 0)
    assert set(scores["metric"]) <= set(reporting.METRICS)
    alone = evaluated(x, np.repeat("one", 300).astype(object), labels)
    assert not set(alone["metric"]) & {"iLISI", "cLISI"}


def test_the_cells_are_those_of_the_silhouette():
    x, slices, labels = made(2)
    some = metrics.sampled(300, 120, 0)
    scores = evaluated(x, slices.astype(object), labels, silhouette_cells=120)
    found = scores.set_index(["slice", "metric"])["value"]["all"]
    assert found["iLISI"] == mixing.mixing(x[some], slices[some], labels[some], 0)["iLISI"]
    assert len(set(some)) == 120 and (metrics.sampled(100, 120, 0) == np.arange(100)).all()


def test_nobody_wins_by_mixing():
    assert all(reporting.METRICS[name].order == 0 for name in ("iLISI", "cLISI"))
    assert not {"iLISI", "cLISI"} & set(reporting.titles(reporting.METRICS))
    table = pd.DataFrame({"metric": "iLISI", "mean": [0.9, 0.1], "control": False})
    assert reporting.with_places(table, ["metric"], order=0)["place"].isna().all()
