"""Ranking the proteins of each cluster."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from spclust import markers

COLUMNS = ["cluster", "rank", "protein", "effect", "auc", "p_adjusted", "mean_in", "mean_out"]


def slice_(n=60, seed=0):
    """Cluster 0 has much CD3 and little CD20; DNA is constant."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    clusters = np.repeat([0, 1, 2], n // 3)
    x[clusters == 0, 1] += 4
    x[clusters == 0, 2] -= 4
    x[:, 3] = 1.5
    cells = anndata.AnnData(x.astype(np.float32))
    cells.var_names = ["CD4", "CD3", "CD20", "DNA"]
    return cells, clusters


def test_the_protein_of_a_cluster_comes_first_and_its_opposite_last():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    assert table.columns.tolist() == [*COLUMNS, "importance"]
    first = table[table["cluster"] == 0]
    assert first["rank"].tolist() == [1, 2, 3, 4]
    assert first["protein"].iloc[0] == "CD3" and first["protein"].iloc[-1] == "CD20"
    best = first.iloc[0]
    assert best["auc"] > 0.99 and best["p_adjusted"] < 1e-6
    assert best["effect"] > 3
    assert best["effect"] == pytest.approx(best["mean_in"] - best["mean_out"])
    assert len(table) == 3 * 4 and table["importance"].isna().all()


def test_p_values_are_those_of_scipy_adjusted_by_benjamini_and_hochberg():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    got = table[table["cluster"] == 1].set_index("protein")["p_adjusted"]
    inside = clusters == 1
    p = [
        mannwhitneyu(cells.X[inside, i], cells.X[~inside, i], method="asymptotic").pvalue
        for i in range(3)
    ] + [1.0]
    order = np.argsort(p)
    adjusted = np.minimum.accumulate((np.array(p)[order] * 4 / np.arange(1, 5))[::-1])[::-1]
    np.testing.assert_allclose(got[cells.var_names[order]], adjusted.clip(max=1), rtol=1e-6)


def test_a_constant_protein_marks_nothing():
    cells, clusters = slice_()
    table = markers.rank(cells, clusters)
    dna = table[table["protein"] == "DNA"]
    assert (dna["p_adjusted"] == 1).all() and (dna["auc"] == 0.5).all()


def test_learnt_importances_stand_beside_their_protein():
    cells, clusters = slice_()
    importance = pd.DataFrame(
        np.arange(12.0).reshape(3, 4), index=[0, 1, 2], columns=["DNA", "CD20", "CD3", "CD4"]
    )
    table = markers.rank(cells, clusters, importance).set_index(["cluster", "protein"])
    assert table.loc[(1, "CD3"), "importance"] == 6
    assert table.loc[(2, "DNA"), "importance"] == 8


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
