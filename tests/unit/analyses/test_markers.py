"""Ranking the features of each cluster."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted import cells_of
from scipy.stats import mannwhitneyu

from spclust.analyses import markers

COLUMNS = ["cluster", "rank", "feature", "effect", "auc", "p_adjusted", "mean_in", "mean_out"]


def slice_(n=60, seed=0):
    """Cluster 0 has much CD3 and little CD20; DNA is constant."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    clusters = np.repeat([0, 1, 2], n // 3)
    x[clusters == 0, 1] += 4
    x[clusters == 0, 2] -= 4
    x[:, 3] = 1.5
    return cells_of(x, names=["CD4", "CD3", "CD20", "DNA"]), clusters


def test_the_protein_of_a_cluster_comes_first_and_its_opposite_last():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    assert table.columns.tolist() == [*COLUMNS, "attribution", "importance"]
    first = table[table["cluster"] == 0]
    assert first["rank"].tolist() == [1, 2, 3, 4]
    assert first["feature"].iloc[0] == "CD3" and first["feature"].iloc[-1] == "CD20"
    best = first.iloc[0]
    assert best["auc"] > 0.99 and best["p_adjusted"] < 1e-6
    assert best["effect"] > 3
    assert best["effect"] == pytest.approx(best["mean_in"] - best["mean_out"])
    assert len(table) == 3 * 4 and table[["attribution", "importance"]].isna().all(axis=None)


def test_p_values_are_those_of_scipy_adjusted_by_benjamini_and_hochberg():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    got = table[table["cluster"] == 1].set_index("feature")["p_adjusted"]
    x, inside = cells.matrix, clusters == 1
    p = [
        mannwhitneyu(x[inside, i], x[~inside, i], method="asymptotic").pvalue for i in range(3)
    ] + [1.0]
    order = np.argsort(p)
    adjusted = np.minimum.accumulate((np.array(p)[order] * 4 / np.arange(1, 5))[::-1])[::-1]
    np.testing.assert_allclose(got[cells.feature_names[order]], adjusted.clip(max=1), rtol=1e-6)


def test_a_constant_protein_marks_nothing():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    dna = table[table["feature"] == "DNA"]
    assert (dna["p_adjusted"] == 1).all() and (dna["auc"] == 0.5).all()


def test_learnt_importances_stand_beside_their_protein():
    cells, clusters = slice_()
    importance = pd.DataFrame(
        np.arange(12.0).reshape(3, 4), index=[0, 1, 2], columns=["DNA", "CD20", "CD3", "CD4"]
    )
    table = markers.rank(cells, clusters, importance, -importance.loc[[0, 1]])
    table = table.set_index(["cluster", "feature"])
    assert table.loc[(1, "CD3"), "importance"] == 6
    assert table.loc[(2, "DNA"), "importance"] == 8
    assert table.loc[(1, "CD3"), "attribution"] == -6
    assert table.loc[2, "attribution"].isna().all()


@pytest.mark.parametrize("small", [1, 2])
def test_a_tiny_cluster_is_listed_untested_and_named_in_the_log(small, caplog):
    cells, clusters = slice_()
    clusters[:small] = 9
    with caplog.at_level(logging.WARNING):
        table = markers.rank(cells, clusters)
    tiny = table[table["cluster"] == 9]
    assert tiny["p_adjusted"].isna().all() and tiny["effect"].notna().all()
    assert table[table["cluster"] == 0]["p_adjusted"].notna().all()
    assert f"cluster 9 has {small} cells" in caplog.text


def test_a_single_cluster_is_listed_untested(recwarn):
    cells, _ = slice_()
    table = markers.rank(cells, np.zeros(60, int))
    assert len(table) == 4 and table["rank"].tolist() == [1, 2, 3, 4]
    assert table[["auc", "p_adjusted", "mean_out", "effect"]].isna().all(axis=None)
    assert not [w for w in recwarn.list if issubclass(w.category, RuntimeWarning)]


def test_features_that_did_not_cluster_are_ranked_with_the_others():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters).set_index(["cluster", "feature"])
    x, names = cells.features["protein"], cells.names["protein"]
    some = replace(
        cells,
        features={"protein": x[:, 2:]},
        names={"protein": names[2:]},
        aside={"protein": x[:, :2]},
        aside_names={"protein": names[:2]},
    )
    found = markers.rank(some, clusters).set_index(["cluster", "feature"])
    assert some.matrix.shape[1] == 2 and found.index[0] == (0, "CD3")
    pd.testing.assert_frame_equal(
        found.drop(columns="rank").sort_index(), table.drop(columns="rank").sort_index()
    )


def test_features_of_several_modalities_are_ranked_together_each_in_its_own_unit():
    cells, clusters = slice_()
    noise = 100 * np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    both = replace(
        cells,
        features={"rna": noise, "adt": cells.matrix},
        names={"rna": np.array(["CD3", "CD4"], dtype=object), "adt": cells.feature_names},
    )
    alone = markers.rank(cells, clusters).set_index(["cluster", "feature"])
    table = markers.rank(both, clusters)
    assert table.loc[0, "feature"] == "adt:CD3" and len(table) == 3 * 6
    found = table.set_index(["cluster", "feature"])
    for column in ("effect", "mean_in", "auc"):
        assert found.loc[(0, "adt:CD3"), column] == pytest.approx(alone.loc[(0, "CD3"), column])
    assert abs(found.loc[(0, "rna:CD3"), "mean_in"] - noise[:20, 0].mean()) < 1e-4
