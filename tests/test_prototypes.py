"""KMeans refresh: ids stay with their clusters, empty classes do no harm."""

import numpy as np

from spclust.parts import prototypes


def blobs(seed=0, c=4):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(c), 30)
    return (10 * np.eye(c)[labels] + rng.normal(size=(len(labels), c))).astype(np.float32), labels


def test_first_kmeans_takes_the_ids_of_the_pseudolabels():
    x, labels = blobs()
    assert np.array_equal(prototypes.initial_clusters(x, labels, 4, seed=3), labels)


def test_first_kmeans_of_a_large_slice_seeks_its_centres_in_a_sample(monkeypatch):
    monkeypatch.setattr(prototypes, "START_CELLS", 60)
    x, labels = blobs()
    assert np.array_equal(prototypes.initial_clusters(x, labels, 4, seed=3), labels)


def test_refresh_keeps_ids_and_returns_the_centres_in_their_order():
    x, labels = blobs()
    shuffled = prototypes.class_means(x, labels, 4)[[2, 0, 3, 1]]
    centres, new = prototypes.refresh(x, shuffled, labels, seed=0)
    assert np.array_equal(new, labels)
    assert np.allclose(centres, prototypes.class_means(x, labels, 4), atol=1e-4)


def test_class_means_equal_a_loop_and_survive_an_empty_class():
    x, labels = blobs()
    means = prototypes.class_means(x, labels, 5)
    for k in range(4):
        assert np.allclose(means[k], x[labels == k].mean(0), atol=1e-5)
    assert np.isfinite(means[4]).all()


def test_refresh_revives_a_dead_prototype():
    x, labels = blobs()
    start = prototypes.class_means(x, labels, 4)
    start[3] = 1000.0
    _, new = prototypes.refresh(x, start, labels, seed=0)
    assert len(np.unique(new)) == 4
