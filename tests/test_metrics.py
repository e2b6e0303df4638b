"""How a clustering is scored."""

import logging

import anndata
import networkx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from spclust import metrics
from spclust.parts.graphs import knn_graph


def tissue(n=120, seed=0, labels=True):
    """Two images; classes of 70 %, 27 % and 3 % far apart in proteins and in space."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(["a", "b", "rare"], [round(0.7 * n), round(0.27 * n), round(0.03 * n)])
    code = np.unique(truth, return_inverse=True)[1]
    cells = anndata.AnnData(rng.normal(size=(n, 4)).astype(np.float32) + 20 * code[:, None])
    cells.obs_names = [f"c{i}" for i in range(n)]
    cells.obs["image"] = np.where(np.arange(n) % 2, "left", "right")
    cells.obsm["spatial"] = rng.uniform(size=(n, 2)) + 100 * code[:, None]
    if labels:
        cells.obs["label"] = pd.Categorical(truth)
    return cells, code


def values(scores):
    return scores.set_index("metric")["value"]


def test_a_perfect_clustering_scores_one_whatever_its_numbers():
    cells, code = tissue()
    scores, classes = metrics.evaluate(cells, 7 - code, cells.X, seed=0)
    got = values(scores)
    for name in ("accuracy", "ARI", "NMI", "macro_F1", "rare_F1"):
        assert got[name] == 1
    assert got["silhouette"] > 0.8 and got["n_clusters"] == 3
    assert classes["class"].tolist() == ["a", "b", "rare"]
    assert classes["cluster"].tolist() == [7, 6, 5]
    assert classes["cells"].tolist() == [84, 32, 4]
    assert classes["rare"].tolist() == [False, False, True]


def test_cells_without_a_label_are_clustered_but_not_scored():
    cells, code = tissue()
    cells.obs["label"] = cells.obs["label"].where(np.arange(120) < 116)
    wrong = code.copy()
    wrong[116:] = 0
    scores, classes = metrics.evaluate(cells, wrong, cells.X, seed=0)
    assert values(scores)["accuracy"] == 1
    assert classes["cells"].sum() == 116 and "rare" not in classes["class"].tolist()


def test_without_labels_only_the_other_metrics_are_there():
    cells, code = tissue(labels=False)
    scores, classes = metrics.evaluate(cells, code, cells.X, seed=0)
    assert scores["metric"].tolist() == [
        "modularity",
        "silhouette",
        "spatial_coherence",
        "n_clusters",
    ]
    assert classes.empty and "f1" in classes


def test_a_class_without_a_cluster_counts_zero():
    cells, code = tissue()
    merged = np.minimum(code, 1)
    scores, classes = metrics.evaluate(cells, merged, cells.X, seed=0)
    last = classes.set_index("class").loc["rare"]
    assert last["f1"] == 0 and last["cluster"] is None
    assert values(scores)["rare_F1"] == 0
    assert values(scores)["macro_F1"] == pytest.approx((1 + 64 / 68) / 3)


def test_a_cluster_too_many_is_wrong():
    cells, code = tissue()
    split = code.copy()
    split[:20] = 9
    scores, _ = metrics.evaluate(cells, split, cells.X, seed=0)
    assert values(scores)["accuracy"] == pytest.approx(100 / 120)
    assert values(scores)["n_clusters"] == 4


def test_one_cluster_has_no_silhouette_and_no_modularity_to_gain():
    cells, code = tissue()
    scores, _ = metrics.evaluate(cells, np.zeros(120, int), cells.X, seed=0)
    assert np.isnan(values(scores)["silhouette"])
    assert values(scores)["modularity"] == pytest.approx(0)
    assert values(scores)["spatial_coherence"] == 1


def test_no_rare_class_leaves_its_f1_missing_without_a_warning(recwarn):
    cells, code = tissue()
    scores, _ = metrics.evaluate(cells, code, cells.X, seed=0, rare_class=0.01)
    assert np.isnan(values(scores)["rare_F1"])
    assert not recwarn.list


def test_the_log_says_how_many_cells_are_scored(caplog):
    cells, code = tissue()
    with caplog.at_level(logging.INFO):
        metrics.evaluate(cells, code, cells.X, seed=0)
    assert "120 of 120 cells have a label, 3 classes" in caplog.text


labellings = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=n, max_size=n),
    )
)


@given(labellings)
@settings(max_examples=80, deadline=None)
def test_no_other_matching_agrees_on_more_cells(pair):
    clusters, labels = np.array(pair[0]), pd.Series(pair[1], dtype=object)
    matched = metrics.match_clusters(clusters, labels)
    assert len(set(matched.values())) == len(matched)
    scored = labels.notna().to_numpy()
    agree = sum(matched.get(c) == y for c, y in zip(clusters[scored], labels[scored]))
    if scored.any():
        table = pd.crosstab(clusters[scored], labels[scored].to_numpy()).to_numpy()
        assert agree == table[linear_sum_assignment(-table)].sum()
    for cluster, name in matched.items():
        assert ((clusters == cluster) & (labels == name)).any()


@given(st.lists(st.integers(0, 3), min_size=40, max_size=40))
@settings(max_examples=20, deadline=None)
def test_modularity_is_networkx_modularity(clusters):
    rng = np.random.default_rng(0)
    x, images, clusters = rng.normal(size=(40, 3)), np.arange(40) % 2, np.array(clusters)
    graph = networkx.from_scipy_sparse_array(knn_graph(x, images, 15))
    groups = [set(np.flatnonzero(clusters == c)) for c in set(clusters)]
    expected = networkx.community.modularity(graph, groups)
    assert metrics.modularity(x, clusters, images) == pytest.approx(expected, abs=1e-6)


def test_spatial_coherence_looks_within_images_only():
    # two images lie on each other; each is one cluster
    spatial = np.tile(np.random.default_rng(0).uniform(size=(20, 2)), (2, 1))
    images = np.repeat(["i", "j"], 20)
    assert metrics.spatial_coherence(spatial, np.repeat([0, 1], 20), images) == 1
    assert metrics.spatial_coherence(spatial, np.arange(40) % 20, images) == 0


def test_spatial_coherence_of_lonely_cells_is_missing():
    assert np.isnan(metrics.spatial_coherence(np.zeros((3, 2)), [0, 0, 0], ["a", "b", "c"]))
    assert np.isnan(metrics.modularity(np.zeros((3, 2)), [0, 0, 0], ["a", "b", "c"]))


def test_the_silhouette_sample_comes_from_the_seed():
    rng = np.random.default_rng(0)
    x, clusters = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    first, again, other = (metrics.silhouette(x, clusters, 50, seed) for seed in (1, 1, 2))
    assert first == again != other


def results():
    cells = [f"c{i}" for i in range(6)]
    clusters = [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1]]
    rows = [["d", "a", "m", 1], ["d", "a", "m", 2], ["d", "a", "m", 3], ["d", "b", "m", 1]]
    scores = [pd.DataFrame({"metric": ["ARI"], "value": [v]}) for v in (0.5, 0.7, 0.9, 0.1)]
    return rows, scores, [pd.Series(c, index=cells) for c in clusters]


def test_collect_makes_one_long_table_with_the_agreement_of_seeds():
    rows, scores, clusters = results()
    # the order of the cells does not matter
    clusters[1] = clusters[1].iloc[::-1]
    long = metrics.collect(rows, scores, clusters)
    assert long.columns.tolist() == ["dataset", "run", "method", "seed", "metric", "value"]
    agreement = long[long["metric"] == "seed_agreement"].set_index(["run", "seed"])["value"]
    far = adjusted_rand_score(clusters[0], clusters[2])
    assert agreement.index.tolist() == [("a", 1), ("a", 2), ("a", 3)]
    assert agreement.tolist() == pytest.approx([(1 + far) / 2, (1 + far) / 2, far])


def test_mean_and_sd_leave_the_sd_of_one_seed_empty_and_keep_the_order():
    table = metrics.mean_and_sd(metrics.collect(*results()))
    assert table["run"].tolist() == ["a", "a", "b"]
    first = table.iloc[0]
    assert (first["mean"], first["sd"], first["seeds"]) == pytest.approx((0.7, 0.2, 3))
    assert np.isnan(table.iloc[-1]["sd"]) and table.iloc[-1]["seeds"] == 1
