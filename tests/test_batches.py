"""Batches of a slice: true neighbours, no edge between images, every cell as likely."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust.contracts import Graphs
from spclust.parts import batches
from spclust.parts.batches import Batches
from spclust.parts.graphs import knn_graph


def slice_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    images = np.repeat(np.arange(len(sizes)), sizes).astype(str)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    places = rng.random((n, 2)) * 100
    graphs = Graphs(knn_graph(x, images, 5), knn_graph(places, images, 5), x, 5)
    return torch.from_numpy(x), graphs, places, images


@pytest.fixture(autouse=True)
def small_patches(monkeypatch):
    monkeypatch.setattr(batches, "PATCH_CELLS", 20)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=4), st.integers(2, 60), st.integers(0, 9))
def test_a_batch_is_a_part_of_the_slice_with_edges_within_images(sizes, batch_cells, key):
    x, graphs, places, images = slice_of(sizes)
    data = Batches(x, graphs, places, images, 1, batch_cells, 10)
    batch = data.draw(0, key)
    if batch_cells >= len(x):
        assert batch.rows is None and batch.x is x
        return
    rows = batch.rows
    assert batch_cells <= len(rows) <= batch_cells + 20 and (np.diff(rows) > 0).all()
    assert torch.equal(batch.x, x[batch.rows])
    assert np.array_equal(batch.of(np.arange(len(x))), rows)
    spatial = batch.views[1].adjacency.toarray()
    assert np.array_equal(spatial, graphs.spatial.toarray()[np.ix_(rows, rows)])
    for view in batch.views:
        assert not view.adjacency.toarray()[images[rows][:, None] != images[rows]].any()


def test_expression_neighbours_are_the_nearest_of_the_batch():
    x, graphs, places, images = slice_of([200, 150])
    batch = Batches(x, graphs, places, images, 1, 90, None).draw(3)
    rows = batch.rows
    expected = knn_graph(graphs.space[rows], images[rows], 5)
    assert (batch.views[0].adjacency != expected).nnz == 0 and batch.anchors is None


def test_patches_keep_most_spatial_neighbours():
    x, graphs, places, images = slice_of([2000])
    batch = Batches(x, graphs, places, images, 1, 200, None).draw(0)
    chance = 200 / 2000
    kept = batch.views[1].adjacency.nnz / graphs.spatial[batch.rows].nnz
    assert kept > 0.5 > 3 * chance


def test_the_same_key_gives_the_same_batch_and_another_key_another():
    given_ = slice_of([300])
    first, again = (Batches(*given_, 7, 60, 10).draw(1, 4) for _ in "12")
    assert np.array_equal(first.rows, again.rows) and torch.equal(first.anchors, again.anchors)
    for seed, key in ((7, (1, 5)), (7, (0, 4)), (8, (1, 4))):
        assert not np.array_equal(first.rows, Batches(*given_, seed, 60, 10).draw(*key).rows)


def test_every_cell_is_about_as_likely_to_be_drawn():
    data = Batches(*slice_of([150, 50]), 0, 40, None)
    counts = np.zeros(200)
    for key in range(600):
        counts[data.draw(key).rows] += 1
    images = np.repeat([0, 1], [150, 50])
    # as many draws per cell in the small image as in the large one; corners are rarer
    means = [counts[images == i].mean() for i in (0, 1)]
    assert 0.85 < means[0] / means[1] < 1.15
    assert counts.min() > 0.25 * counts.mean()


def test_anchors_are_distinct_rows_of_the_batch():
    x, graphs, places, images = slice_of([300])
    for batch_cells, most in ((60, 80), (None, 300)):
        batch = Batches(x, graphs, places, images, 0, batch_cells, 25).draw(2)
        anchors = batch.anchors.numpy()
        assert len(np.unique(anchors)) == 25 and anchors.max() < most
