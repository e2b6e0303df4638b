"""Batches of cells: true neighbours, no spatial edge between images, every cell as likely."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import cells_of, crossing

from spclust.data.graphs import Graphs
from spclust.neighbours.expression import shared_neighbours
from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn import batches
from spclust.nn.batches import Batches

CPU = torch.device("cpu")
NEIGHBOURS = 5


def slice_of(sizes, seed=0, within="cohort", weights="binary"):
    """Cells of images of these sizes, every two images a slice, with their graphs."""
    rng = np.random.default_rng(seed)
    images = np.repeat(np.arange(len(sizes)), sizes)
    x, places = rng.normal(size=(sum(sizes), 4)), rng.random((sum(sizes), 2)) * 100
    cells = cells_of(x, places, images.astype(str), slice=(images // 2).astype(str).astype(object))
    space = cells.matrix
    edges = {
        "expression": knn_graph(space, cells.groups(within), NEIGHBOURS),
        "spatial": knn_graph(cells.coordinates, images, NEIGHBOURS),
    }
    chosen = {
        "n_neighbors": NEIGHBOURS,
        "expression_within": within,
        "expression_weights": weights,
    }
    return cells, Graphs(edges, {"expression": space}, chosen)


def dense(graph):
    """A Neighbourhoods as a matrix."""
    return graph.sparse(graph.weight).to_dense().numpy()


@pytest.fixture(autouse=True)
def small_patches(monkeypatch):
    monkeypatch.setattr(batches, "PATCH_CELLS", 20)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 80), min_size=1, max_size=4),
    st.integers(2, 60),
    st.integers(0, 9),
    st.sampled_from(["image", "slice", "cohort"]),
)
def test_a_batch_is_a_part_of_the_cells_with_edges_where_they_may_be(sizes, most, key, within):
    cells, graphs = slice_of(sizes, within=within)
    batch = Batches(cells, graphs, CPU, 1, most, 10).draw(0, key)
    if most >= len(cells):
        assert batch.rows is None and len(batch.features["protein"]) == len(cells)
        return
    rows = batch.rows
    assert most <= len(rows) <= most + 20 and (np.diff(rows) > 0).all()
    assert np.array_equal(batch.features["protein"], cells.matrix[rows])
    assert np.array_equal(batch.of(np.arange(len(cells))), rows)
    spatial = with_self_loops(graphs["spatial"]).toarray()[np.ix_(rows, rows)]
    assert np.array_equal(dense(batch.graphs["spatial"]), spatial)
    groups = cells.groups(within)[rows]
    assert not dense(batch.graphs["expression"])[groups[:, None] != groups].any()


def test_expression_neighbours_of_a_cohort_are_sought_in_all_images():
    """Cells of one image are no nearer in expression than those of another."""
    for within, joined in (("cohort", True), ("slice", True), ("image", False)):
        cells, graphs = slice_of([200, 150], within=within)
        batch = Batches(cells, graphs, CPU, 1, 90, None).draw(3)
        edges = graphs["expression"][batch.rows][:, batch.rows]
        found = dense(batch.graphs["expression"])
        assert (crossing(type(edges)(found), cells.image[batch.rows]) > 0) is joined


@pytest.mark.parametrize("weights,graph", [("binary", knn_graph), ("jaccard", shared_neighbours)])
def test_expression_neighbours_are_the_nearest_of_the_batch(weights, graph):
    cells, graphs = slice_of([200, 150], weights=weights)
    batch = Batches(cells, graphs, CPU, 1, 90, None).draw(3)
    expected = graph(cells.matrix[batch.rows], np.zeros(len(batch.rows)), NEIGHBOURS)
    expected = with_self_loops(expected).toarray()
    np.testing.assert_allclose(dense(batch.graphs["expression"]), expected, rtol=1e-6)
    assert batch.anchors is None


def test_every_modality_has_an_expression_graph_of_its_own():
    cells, graphs = slice_of([60])
    other = np.random.default_rng(5).normal(size=(60, 7)).astype(np.float32)
    cells = replace(cells, features={"rna": cells.matrix, "adt": other})
    edges = {f"expression/{m}": knn_graph(x, np.zeros(60), 5) for m, x in cells.features.items()}
    spaces = {f"expression/{m}": x for m, x in cells.features.items()}
    graphs = Graphs(graphs.edges | edges, graphs.spaces | spaces, graphs.settings)
    data = Batches(cells, graphs, CPU, 0, 30, None)
    assert data.expression == ["expression/rna", "expression/adt"]
    whole = Batches(cells, graphs, CPU, 0).draw(0)
    for batch in (data.draw(0), whole):
        assert list(batch.graphs) == ["expression/rna", "expression/adt", "spatial"]
        assert [x.shape[1] for x in batch.features.values()] == [4, 7]
    rows = data.draw(0).rows
    expected = with_self_loops(knn_graph(other[rows], np.zeros(len(rows)), 5)).toarray()
    assert np.array_equal(dense(data.draw(0).graphs["expression/adt"]), expected)


def test_patches_keep_most_spatial_neighbours():
    cells, graphs = slice_of([2000])
    batch = Batches(cells, graphs, CPU, 1, 200, None).draw(0)
    chance, spatial = 200 / 2000, graphs["spatial"]
    edges = batch.graphs["spatial"].edge_index.shape[1] - len(batch.rows)
    assert edges / spatial[batch.rows].nnz > 0.5 > 3 * chance


def test_the_same_key_gives_the_same_batch_and_another_key_another():
    given_ = *slice_of([300]), CPU
    first, again = (Batches(*given_, 7, 60, 10).draw(1, 4) for _ in "12")
    assert np.array_equal(first.rows, again.rows) and torch.equal(first.anchors, again.anchors)
    for seed, key in ((7, (1, 5)), (7, (0, 4)), (8, (1, 4))):
        assert not np.array_equal(first.rows, Batches(*given_, seed, 60, 10).draw(*key).rows)


def test_every_cell_is_about_as_likely_to_be_drawn():
    data = Batches(*slice_of([150, 50]), CPU, 0, 40, None)
    counts = np.zeros(200)
    for key in range(600):
        counts[data.draw(key).rows] += 1
    images = np.repeat([0, 1], [150, 50])
    # as many draws per cell in the small image as in the large one; corners are rarer
    means = [counts[images == i].mean() for i in (0, 1)]
    assert 0.85 < means[0] / means[1] < 1.15
    assert counts.min() > 0.25 * counts.mean()


def test_anchors_are_distinct_rows_of_the_batch():
    cells, graphs = slice_of([300])
    for batch_cells, most in ((60, 80), (None, 300)):
        batch = Batches(cells, graphs, CPU, 0, batch_cells, 25).draw(2)
        anchors = batch.anchors.numpy()
        assert len(np.unique(anchors)) == 25 and anchors.max() < most


@pytest.mark.parametrize("batch_cells", [None, 40])
@pytest.mark.parametrize(
    "views,parts",
    [
        ("spatial", ["spatial"]),
        ("expression", ["expression"]),
        ("mixed", ["expression", "spatial"]),
    ],
)
def test_both_views_may_see_one_graph_or_the_union_of_two(views, parts, batch_cells):
    given_ = slice_of([60, 50])
    dual = Batches(*given_, CPU, 0, batch_cells).draw(1, 2)
    found = Batches(*given_, CPU, 0, batch_cells, views=views).draw(1, 2)
    expected = np.maximum.reduce([dense(dual.graphs[name]) for name in parts])
    assert list(found.graphs) == ["expression", "spatial"]
    for graph in found.graphs.values():
        np.testing.assert_array_equal(dense(graph), expected)
    if batch_cells is None:
        whole = Batches(*given_, CPU, 0, views=views)
        assert all((dense(whole.graph(v)) == expected).all() for v in ("expression", "spatial"))
