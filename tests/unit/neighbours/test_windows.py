"""Counts of kinds of cells around each cell, by number and by distance."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from spclust.neighbours.windows import at_rim, counts_within, nearest_counts


def tissue(n=120):
    rng = np.random.default_rng(0)
    images = np.array(["a", "b", "c"])[rng.choice(3, n, p=[0.6, 0.35, 0.05])]
    return rng.uniform(0, 100, (n, 2)), images, rng.integers(4, size=n)


def naive(places, images, kinds, chosen):
    """Counts by comparing all pairs; ``chosen`` picks of the distances to a cell's image."""
    counts = np.zeros((len(places), 4))
    for i, place in enumerate(places):
        own = np.flatnonzero(images == images[i])
        for j in own[chosen(cdist([place], places[own])[0])]:
            counts[i, kinds[j]] += 1
    return counts


@pytest.mark.parametrize("size", [1, 2, 10, 30])
def test_the_nearest_are_counted_within_the_image(size):
    data = tissue()
    (counts, other), reach = nearest_counts(*data, 4, [size, 5])
    np.testing.assert_array_equal(counts, naive(*data, lambda d: np.argsort(d)[:size]))
    np.testing.assert_array_equal(other, naive(*data, lambda d: np.argsort(d)[:5]))
    distances = cdist(data[0], data[0])
    distances[data[1][:, None] != data[1]] = np.inf
    last = np.minimum(size, (data[1][:, None] == data[1]).sum(axis=1)) - 1
    np.testing.assert_allclose(reach, np.sort(distances, axis=1)[np.arange(120), last])


@pytest.mark.parametrize("radius", [0.1, 12.0, 500.0])
def test_cells_up_to_a_radius_are_counted_within_the_image(radius):
    data = tissue()
    expected = naive(*data, lambda d: d <= radius)
    np.testing.assert_array_equal(counts_within(*data, 4, radius), expected)


def test_a_cell_alone_in_its_image_has_itself():
    places, images, kinds = np.zeros((2, 2)), np.array(["a", "b"]), np.array([1, 0])
    (counts,), reach = nearest_counts(places, images, kinds, 2, [10])
    assert counts.tolist() == [[0, 1], [1, 0]] and reach.tolist() == [0, 0]
    assert counts_within(places, images, kinds, 2, 5.0).tolist() == [[0, 1], [1, 0]]


def test_the_rim_is_where_windows_reach_out_of_the_hull():
    corners = np.array([[0, 0], [0, 100], [100, 0], [100, 100.0]])
    places = np.vstack([corners, np.random.default_rng(0).uniform(0, 100, (300, 2))])
    rim = at_rim(places, np.full(304, "a"), np.full(304, 10.0))
    np.testing.assert_array_equal(rim, np.minimum(places, 100 - places).min(axis=1) < 10)


@pytest.mark.parametrize("places", [np.empty((0, 2)), np.zeros((2, 2)), np.eye(2).repeat(3, 0)])
def test_images_without_an_inside_are_all_rim(places):
    n = len(places)
    assert at_rim(places, np.full(n, "a"), np.zeros(n)).all()
