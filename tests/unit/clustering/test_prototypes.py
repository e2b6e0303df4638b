"""KMeans refresh: ids stay with their clusters, empty classes do no harm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust.clustering import prototypes


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


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.integers(1, 6), st.integers(1, 20), st.sampled_from([0.0, 0.7, 1.0]))
def test_a_moving_average_is_that_of_a_loop_over_clusters(seed, c, n, momentum):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    p = rng.normal(size=(c, 3))
    centres, labels = prototypes.moving_average(x, p, momentum)
    for i in range(n):
        cosines = [x[i] @ p[k] / np.linalg.norm(p[k]) for k in range(c)]
        assert labels[i] == np.argmax(cosines)
    for k in range(c):
        own = x[labels == k]
        expected = momentum * p[k] + (1 - momentum) * own.mean(0) if len(own) else p[k]
        np.testing.assert_allclose(centres[k], expected, atol=1e-12)


@pytest.mark.parametrize(
    "refresh,every,wanted",
    [
        ("kmeans", 10, [10, 20]),
        ("moving_average", 1, list(range(1, 26))),
        ("kmeans", "end", [25]),
        ("none", 10, []),
        ("none", "end", []),
    ],
)
def test_prototypes_follow_when_they_are_due(refresh, every, wanted):
    chosen = {"refresh": refresh, "refresh_every": every, "epochs": 25}
    assert [epoch for epoch in range(1, 26) if prototypes.due(epoch, chosen)] == wanted


@pytest.mark.parametrize("refresh", ["kmeans", "moving_average"])
def test_an_update_replaces_what_it_is_asked_to_and_nothing_else(refresh):
    x, labels = blobs()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    old = prototypes.class_means(x, labels, 4)
    old[0] += 0.1
    wrong = labels.copy()
    wrong[:5] = 1
    found = {}
    for refreshed in ("both", "prototypes", "labels"):
        chosen = {"refresh": refresh, "refreshed": refreshed, "momentum": 0.5}
        found[refreshed] = prototypes.update(x, old, wrong, 0, chosen)
    centres, new = found["both"]
    assert not np.array_equal(centres, old) and np.array_equal(new, labels)
    assert found["prototypes"][1] is wrong and np.array_equal(found["prototypes"][0], centres)
    assert found["labels"][0] is old and np.array_equal(found["labels"][1], new)
