"""How a clustering is scored."""

import logging

import networkx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import cells_of
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from spclust.analyses import metrics
from spclust.neighbours.knn import knn_graph


def tissue(n=120, seed=0, **others):
    """Two images; classes of 70 %, 27 % and 3 % far apart in proteins and in space."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(["a", "b", "rare"], [round(0.7 * n), round(0.27 * n), round(0.03 * n)])
    code = np.unique(truth, return_inverse=True)[1]
    x = rng.normal(size=(n, 4)) + 20 * code[:, None]
    images = np.where(np.arange(n) % 2, "left", "right")
    places = rng.uniform(size=(n, 2)) + 100 * code[:, None]
    return cells_of(x, places, images, **others), truth.astype(object), code


def evaluated(cells, truth, clusters, **others):
    return metrics.evaluate(cells, truth, clusters, cells.matrix, seed=0, **others)


def values(scores, of="all"):
    return scores[scores["slice"] == of].set_index("metric")["value"]


def test_a_perfect_clustering_scores_one_whatever_its_numbers():
    cells, truth, code = tissue()
    scores, classes = evaluated(cells, truth, 7 - code)
    got = values(scores)
    for name in ("accuracy", "ARI", "NMI", "macro_F1", "rare_F1"):
        assert got[name] == 1
    assert got["silhouette"] > 0.8 and got["n_clusters"] == 3
    assert classes["class"].tolist() == ["a", "b", "rare"]
    assert classes["cluster"].tolist() == [7, 6, 5]
    assert classes["cells"].tolist() == [84, 32, 4]
    assert classes["rare"].tolist() == [False, False, True]
    assert set(scores["slice"]) == set(classes["slice"]) == {"all"}


def test_cells_without_a_label_are_clustered_but_not_scored():
    cells, truth, code = tissue()
    truth[116:] = np.nan
    wrong = code.copy()
    wrong[116:] = 0
    scores, classes = evaluated(cells, truth, wrong)
    assert values(scores)["accuracy"] == 1
    assert classes["cells"].sum() == 116 and "rare" not in classes["class"].tolist()


def test_without_labels_only_the_other_metrics_are_there():
    cells, truth, code = tissue()
    scores, classes = evaluated(cells, np.full(120, np.nan), code)
    assert scores["metric"].tolist() == [
        "modularity",
        "silhouette",
        "spatial_coherence",
        "n_clusters",
    ]
    assert classes.empty and {"slice", "f1"} <= set(classes)


def test_a_class_without_a_cluster_counts_zero():
    cells, truth, code = tissue()
    scores, classes = evaluated(cells, truth, np.minimum(code, 1))
    last = classes.set_index("class").loc["rare"]
    assert last["f1"] == 0 and last["cluster"] is None
    assert values(scores)["rare_F1"] == 0
    assert values(scores)["macro_F1"] == pytest.approx((1 + 64 / 68) / 3)


def test_a_cluster_too_many_is_wrong():
    cells, truth, code = tissue()
    split = code.copy()
    split[:20] = 9
    scores, _ = evaluated(cells, truth, split)
    assert values(scores)["accuracy"] == pytest.approx(100 / 120)
    assert values(scores)["n_clusters"] == 4


def test_one_cluster_has_no_silhouette_no_coherence_and_no_modularity_to_gain():
    cells, truth, _ = tissue()
    scores, _ = evaluated(cells, truth, np.zeros(120, int))
    assert np.isnan(values(scores)["silhouette"])
    assert values(scores)["modularity"] == pytest.approx(0)
    assert np.isnan(values(scores)["spatial_coherence"])
    assert values(scores)["label_coherence"] > 0.9  # classes lie apart


def test_no_rare_class_leaves_its_f1_missing_without_a_warning(recwarn):
    cells, truth, code = tissue()
    scores, _ = evaluated(cells, truth, code, rare_class=0.01)
    assert np.isnan(values(scores)["rare_F1"])
    assert not recwarn.list


def test_the_log_says_how_many_cells_are_scored(caplog):
    cells, truth, code = tissue()
    with caplog.at_level(logging.INFO):
        evaluated(cells, truth, code)
    assert "all: 120 of 120 cells have a label, 3 classes" in caplog.text


def cohort():
    """Two slices; in the second the clusters of classes a and b are swapped."""
    slices = np.repeat(["one", "two"], [80, 40]).astype(object)
    cells, truth, _ = tissue(slice=slices)
    truth = np.where(np.arange(120) % 4, "a", "b").astype(object)
    clusters = (truth == "a").astype(int)
    clusters[80:] = 1 - clusters[80:]
    return cells, truth, clusters


def test_a_cluster_stands_for_the_same_class_in_every_slice_of_a_cohort():
    scores, classes = evaluated(*cohort())
    assert pd.unique(scores["slice"]).tolist() == ["all", "one", "two"]
    # on its own the second slice would be matched perfectly
    assert values(scores, "one")["accuracy"] == values(scores, "one")["ARI"] == 1
    assert values(scores, "two")["accuracy"] == 0 and values(scores, "two")["ARI"] == 1
    assert values(scores)["accuracy"] == pytest.approx(80 / 120)
    found = classes[classes["slice"] == "two"].set_index("class")
    assert found["cluster"].tolist() == [1, 0] and found["cells"].tolist() == [30, 10]


def test_a_slice_is_scored_on_its_own_cells():
    cells, truth, clusters = cohort()
    scores, _ = evaluated(cells, truth, clusters)
    x = cells.matrix
    for name, rows in {"one": slice(80), "two": slice(80, None)}.items():
        got = values(scores, name)
        assert got["modularity"] == metrics.modularity(x[rows], clusters[rows])
        assert got["silhouette"] == metrics.silhouette(x[rows], clusters[rows], 5000, 0)
        assert got["spatial_coherence"] == metrics.spatial_coherence(
            cells.coordinates[rows], clusters[rows], cells.image[rows]
        )


def test_a_slice_without_labels_has_the_other_metrics_only():
    cells, truth, clusters = cohort()
    truth[80:] = np.nan
    scores, classes = evaluated(cells, truth, clusters)
    assert "ARI" in values(scores, "one") and "ARI" not in values(scores, "two")
    assert set(classes["slice"]) == {"all", "one"}


def test_further_metrics_by_counting_pairs_and_by_definition():
    labels, clusters = np.array(list("aaabbc")), np.array([0, 0, 1, 1, 1, 2])
    got = metrics.against_labels(
        clusters,
        labels,
        metrics.class_scores(clusters, labels, metrics.match_clusters(clusters, labels), 0.05),
    )
    pairs = [(i, j) for i in range(6) for j in range(i)]
    both = sum(labels[i] == labels[j] and clusters[i] == clusters[j] for i, j in pairs)
    in_labels = sum(labels[i] == labels[j] for i, j in pairs)
    in_clusters = sum(clusters[i] == clusters[j] for i, j in pairs)
    assert (both, in_labels, in_clusters) == (2, 4, 4)
    assert got["pairwise_F1"] == 2 * both / (in_labels + in_clusters) == 0.5
    assert got["Jaccard"] == pytest.approx(both / (in_labels + in_clusters - both))
    assert got["FMI"] == pytest.approx(both / np.sqrt(in_labels * in_clusters))
    # arithmetic mean of the entropies, which is what V-measure is
    assert got["NMI"] == pytest.approx(got["V_measure"])
    table = pd.crosstab(labels, clusters).to_numpy() / 6
    entropy = [-(p * np.log(p)).sum() for p in (table.sum(0), table.sum(1))]
    outer = np.outer(table.sum(1), table.sum(0))
    some = table > 0
    information = (table[some] * np.log(table[some] / outer[some])).sum()
    assert got["MI"] == pytest.approx(information)
    assert got["NMI"] == pytest.approx(2 * information / sum(entropy))
    assert got["completeness"] == pytest.approx(information / entropy[0])
    alone = metrics.against_labels(
        np.arange(3),
        np.array(list("abc")),
        metrics.class_scores(np.arange(3), np.array(list("abc")), {0: "a", 1: "b", 2: "c"}, 0.05),
    )
    assert np.isnan(alone["pairwise_F1"]) and np.isnan(alone["Jaccard"])


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
    x, clusters = np.random.default_rng(0).normal(size=(40, 3)), np.array(clusters)
    graph = networkx.from_scipy_sparse_array(knn_graph(x, np.zeros(40), 15))
    groups = [set(np.flatnonzero(clusters == c)) for c in set(clusters)]
    expected = networkx.community.modularity(graph, groups)
    assert metrics.modularity(x, clusters) == pytest.approx(expected, abs=1e-6)


def test_modularity_of_many_cells_is_that_of_a_sample_of_them(monkeypatch):
    cells, _, code = tissue(n=600)
    whole = metrics.modularity(cells.matrix, code)
    monkeypatch.setattr(metrics, "EXACT_CELLS", 599)
    monkeypatch.setattr(metrics, "MODULARITY_CELLS", 300)
    rows = metrics.sampled(600, 300, seed=0)
    sampled = metrics.modularity(cells.matrix, code)
    assert sampled == metrics.modularity(cells.matrix[rows], code[rows])
    assert sampled == pytest.approx(whole, abs=0.05)


def test_modularity_joins_like_cells_of_different_images():
    cells, truth, code = tissue()
    apart = np.unique(code + 3 * (cells.image == "left"), return_inverse=True)[1]
    together, split = (values(evaluated(cells, truth, c)[0])["modularity"] for c in (code, apart))
    assert together > split + 0.1


def test_spatial_coherence_is_of_cells_with_a_place():
    spatial, clusters = np.random.default_rng(0).random((40, 2)), np.arange(40) % 3
    images, kept = np.repeat("a", 40), np.arange(40) > 4
    expected = metrics.spatial_coherence(spatial[kept], clusters[kept], images[kept])
    spatial[~kept] = np.nan
    assert metrics.spatial_coherence(spatial, clusters, images) == expected
    assert np.isnan(metrics.spatial_coherence(np.full((40, 2), np.nan), clusters, images))


def test_spatial_coherence_looks_within_images_only():
    # two images lie on each other, mirrored: a cell's double is of the other cluster
    spatial = np.tile(np.random.default_rng(0).uniform(size=(40, 2)), (2, 1))
    left = (spatial[:, 0] < 0.5).astype(int)
    clusters = np.where(np.arange(80) < 40, left, 1 - left)
    images = np.repeat(["i", "j"], 40)
    one = metrics.spatial_coherence(spatial[:40], left[:40], images[:40])
    assert one > 0.5
    assert metrics.spatial_coherence(spatial, clusters, images) == pytest.approx(one)
    # an image of one cluster says nothing
    clusters[40:] = 7
    assert metrics.spatial_coherence(spatial, clusters, images) == pytest.approx(one)


def test_spatial_coherence_is_what_chance_does_not_give():
    rng = np.random.default_rng(1)
    spatial, images = rng.uniform(size=(4000, 2)), np.repeat(["a", "b"], 2000)
    strewn = rng.choice(3, 4000, p=[0.9, 0.05, 0.05])  # a giant cluster, 81 % by chance alone
    assert metrics.spatial_coherence(spatial, strewn, images) == pytest.approx(0, abs=0.03)
    halves = (spatial[:, 0] < 0.5).astype(int)
    assert metrics.spatial_coherence(spatial, halves, images) > 0.9
    # by hand: 4 cells of a, 3 of b, on a line of two far groups; each sees all others of its 7
    row = np.zeros((7, 2))
    row[:, 0] = np.arange(7)
    by_hand = (4 * 3 / 6 + 3 * 2 / 6) / 7
    chance = (16 + 9) / 49
    found = metrics.spatial_coherence(row, [0, 0, 0, 0, 1, 1, 1], np.zeros(7))
    assert found == pytest.approx((by_hand - chance) / (1 - chance))


def test_spatial_coherence_of_lonely_cells_is_missing():
    assert np.isnan(metrics.spatial_coherence(np.zeros((3, 2)), [0, 0, 0], ["a", "b", "c"]))
    assert np.isnan(metrics.modularity(np.zeros((1, 2)), [0]))


def test_the_silhouette_sample_comes_from_the_seed():
    rng = np.random.default_rng(0)
    x, clusters = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    first, again, other = (metrics.silhouette(x, clusters, 50, seed) for seed in (1, 1, 2))
    assert first == again != other


def results():
    cells = [f"c{i}" for i in range(6)]
    clusters = [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1]]
    rows = [["d", "a", "m", 1], ["d", "a", "m", 2], ["d", "a", "m", 3], ["d", "b", "m", 1]]
    scores = [
        pd.DataFrame({"slice": ["all", "s"], "metric": "ARI", "value": [v, 0]})
        for v in (0.5, 0.7, 0.9, 0.1)
    ]
    return rows, scores, [pd.Series(c, index=cells) for c in clusters]


def test_collect_makes_one_long_table_with_the_agreement_of_seeds():
    rows, scores, clusters = results()
    # the order of the cells does not matter
    clusters[1] = clusters[1].iloc[::-1]
    long = metrics.collect(rows, scores, clusters)
    assert long.columns.tolist() == [
        "dataset",
        "run",
        "method",
        "seed",
        "slice",
        "metric",
        "value",
    ]
    agreement = long[long["metric"] == "seed_agreement"]
    assert set(agreement["slice"]) == {"all"}
    agreement = agreement.set_index(["run", "seed"])["value"]
    far = adjusted_rand_score(clusters[0], clusters[2])
    assert agreement.index.tolist() == [("a", 1), ("a", 2), ("a", 3)]
    assert agreement.tolist() == pytest.approx([(1 + far) / 2, (1 + far) / 2, far])
