"""Clustering heads: the asked number of clusters, whatever the algorithm did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import adjusted_rand_score

from spclust.clustering import heads
from spclust.neighbours import expression


def blobs(sizes, n_images=1, distance=8.0, seed=0):
    """Proteins, true types and images of well separated types."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    x = rng.normal(size=(len(y), 6)) + distance * np.eye(6)[y]
    return x.astype(np.float32), y, rng.integers(n_images, size=len(y))


ALL = {
    "leiden": lambda x, k: heads.leiden(x, np.zeros(len(x)), k, 15, 0),
    "kmeans": lambda x, k: heads.kmeans(x, k, 0),
    "ward": lambda x, k: heads.ward(x, k, 0),
}


@given(hnp.arrays(np.int64, st.integers(1, 50), elements=st.integers(-3, 9)))
def test_ids_are_ordered_by_size_and_groups_stay(labels):
    ordered = heads.ordered_by_size(labels)
    sizes = np.bincount(ordered)
    assert np.array_equal(sizes, np.sort(sizes)[::-1]) and sizes.min() > 0
    assert len(set(zip(labels, ordered))) == len(set(labels)) == len(set(ordered))


@pytest.mark.parametrize("name", ALL)
def test_separate_types_are_found_and_numbered_by_size(name):
    x, y, _ = blobs([150, 80, 40])
    labels = ALL[name](x, 3)
    assert np.array_equal(labels, y)  # the types were numbered by size too
    assert np.array_equal(labels, ALL[name](x, 3))


@pytest.mark.parametrize("name", ALL)
def test_one_cluster_can_be_asked(name):
    x, _, _ = blobs([30, 10])
    assert not ALL[name](x, 1).any()


def test_leiden_says_nothing_when_the_number_was_reached(caplog):
    x, _, images = blobs([150, 80, 40])
    heads.leiden(x, images, 3, 15, 0)
    assert not caplog.records


def test_leiden_merges_when_there_is_no_resolution_with_so_few_clusters(caplog):
    # three islands: a graph in three pieces has no partition into two communities
    x, y, images = blobs([100, 60, 30], distance=50.0)
    x[y == 2] -= 35 * np.eye(6)[2] - 15 * np.eye(6)[1]  # the third is nearer the second
    labels = heads.leiden(x, images, 2, 10, 0)
    assert np.array_equal(labels, np.where(y == 0, 0, 1)) or adjusted_rand_score(
        labels, y > 0
    ) == pytest.approx(1)
    assert "has 3 pieces, more than the 2 clusters" in caplog.text


def test_leiden_goes_on_to_higher_resolutions_when_clusters_are_too_few(caplog):
    x, _, images = blobs([40])
    labels = heads.leiden(x, images, 20, 15, 0)
    assert len(np.unique(labels)) == 20 and "KMeans" not in caplog.text
    assert len(np.unique(heads.leiden(x, images, 40, 15, 0))) == 40


def test_kmeans_stands_in_where_the_graph_has_fewer_cells_than_clusters(caplog):
    x, _, _ = blobs([40])
    labels = heads.leiden(x, [0] * 5 + [*range(1, 36)], 20, 3, 0)
    assert len(np.unique(labels)) == 20
    assert "graph of 5 cells has only 5 of 20 clusters; took KMeans" in caplog.text


def test_communities_of_groups_apart_span_no_two_of_them():
    x, _, groups = blobs([200, 100], n_images=2)
    labels = heads.leiden(x, groups, 4, 15, 0)
    assert len(np.unique(labels)) == 4
    assert not set(labels[groups == 0]) & set(labels[groups == 1])


def test_more_pieces_than_clusters_are_merged_with_a_remedy(caplog):
    x, _, _ = blobs([120, 80])
    labels = heads.leiden(x, np.arange(200) // 20, 3, 15, 0)
    assert len(np.unique(labels)) == 3
    assert "graph has 10 pieces, more than the 3 clusters" in caplog.text
    assert "expression_within: cohort" in caplog.text


def test_groups_too_small_for_a_graph_take_the_nearest_cluster():
    x, y, groups = blobs([100, 60])
    groups = groups.copy()
    groups[:4] = [1, 2, 2, 3]  # groups of one, two and one cell
    assert np.array_equal(heads.leiden(x, groups, 2, 15, 0), y)


def test_only_tiny_groups_are_clustered_by_kmeans(caplog):
    x, y, _ = blobs([12, 8])
    labels = heads.leiden(x, np.arange(20), 2, 15, 0)
    assert np.array_equal(labels, y)
    assert "Leiden's graph has no edges" in caplog.text and "took KMeans" in caplog.text


def test_leiden_is_that_of_scanpy():
    import scanpy as sc
    from anndata import AnnData

    x, _, images = blobs([150, 80, 40], distance=3.0)
    cells = AnnData(x)
    sc.pp.neighbors(cells, n_neighbors=15, use_rep="X", transformer="sklearn", random_state=0)
    weights = expression.neighbour_weights(x, images, 15, 0)
    assert abs(weights - cells.obsp["connectivities"]).max() < 1e-5
    sc.tl.leiden(
        cells, resolution=0.4, flavor="igraph", n_iterations=2, directed=False, random_state=0
    )
    ours = heads.leiden_partitions(weights)(0.4, 0)
    assert adjusted_rand_score(cells.obs["leiden"], ours) > 0.95


@pytest.mark.parametrize("n,k", [(3, 15), (10, 15), (60, 15), (300, 30)])
def test_weights_are_scanpys(n, k):
    import scanpy as sc
    from anndata import AnnData

    x = np.random.default_rng(n).normal(size=(n, 6)).astype(np.float32)
    cells = AnnData(x)
    sc.pp.neighbors(cells, n_neighbors=min(k, n - 1), use_rep="X", transformer="sklearn")
    weights = expression.neighbour_weights(x, np.zeros(n), k, 0)
    assert abs(weights - cells.obsp["connectivities"]).max() < 1e-5
    assert abs(weights - weights.T).max() == 0


def test_weights_of_copies_of_a_cell_are_finite():
    x = np.zeros((40, 3), dtype=np.float32)
    x[30:] = np.random.default_rng(0).normal(size=(10, 3))
    weights = expression.neighbour_weights(x, np.zeros(40), 6, 0)
    assert np.isfinite(weights.data).all() and 0 < weights.data.min() <= weights.data.max() <= 1


def test_the_search_ends_where_no_resolution_gives_the_number(caplog):
    asked = []

    def partition(resolution):  # two communities or four, never three
        asked.append(resolution)
        return np.arange(12) % (2 if resolution < 1.1 else 4)

    labels, _ = heads.search_resolution(partition, 3)
    assert labels.max() + 1 == 4 and len(asked) < 15


def test_leiden_leaves_pythons_generator_alone():
    import random

    x, _, images = blobs([40, 20])
    random.seed(5)
    expected = random.random()
    random.seed(5)
    heads.leiden(x, images, 2, 10, 0)
    assert random.random() == expected


def test_ward_of_many_cells_works_on_a_sample_and_says_so(monkeypatch, caplog):
    x, y, _ = blobs([150, 80, 40])
    monkeypatch.setattr(heads, "WARD_CELLS", 200)
    assert np.array_equal(heads.ward(x, 3, 0), y)
    assert "Ward on a sample of 200 of the 270 cells" in caplog.text


def test_nearest_centroid_leaves_known_labels_and_takes_the_nearest_mean():
    x = np.array([[0.0], [2.0], [10.0], [3.0], [7.0]])
    known = np.array([True, True, True, False, False])
    labels = heads.nearest_centroid(x, np.array([0, 0, 1, -1, -1]), known)
    assert labels.tolist() == [0, 0, 1, 0, 1]
    assert heads.nearest_centroid(x, np.zeros(5, dtype=int), known).tolist() == [0] * 5


def test_confidence_is_the_share_of_like_neighbours_in_the_group():
    x = np.arange(6.0)[:, None]
    labels, groups = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 0, 0, 1])
    agreement = heads.neighbour_agreement(x, labels, n_neighbors=2, groups=groups)
    # cell 2 has neighbours 1 and 3, cell 3 has 2 and 4, cell 4 has 3 and 2; cell 5 is alone
    assert agreement.tolist() == [1, 1, 0.5, 0.5, 0.5, 1]
    # without groups cell 4 has neighbours 3 and 5, cell 5 has 4 and 3
    assert heads.neighbour_agreement(x, labels, 2).tolist() == [1, 1, 0.5, 0.5, 1, 1]
