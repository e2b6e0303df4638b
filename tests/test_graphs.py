"""Both graphs of a slice: symmetric, within images, and sane where there are few cells."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust import graphs
from spclust.errors import UserError
from spclust.parts.graphs import knn_graph

OPTIONS = {
    "expression_space": "raw",
    "n_neighbors": 5,
    "spatial_graph": "knn",
    "spatial_n_neighbors": 4,
    "radius": None,
}


def cells_of(*coordinates, seed=0, proteins=4):
    """Cells of several images, given by the places of their cells, in mixed order."""
    rng = np.random.default_rng(seed)
    places = np.concatenate([np.asarray(c, dtype=np.float32).reshape(-1, 2) for c in coordinates])
    images = np.repeat(
        [f"image_{i}" for i in range(len(coordinates))], [len(c) for c in coordinates]
    )
    order = rng.permutation(len(places))
    cells = anndata.AnnData(
        rng.normal(size=(len(places), proteins)).astype(np.float32),
        obs=pd.DataFrame({"image": pd.Categorical(images[order])}, index=order.astype(str)),
    )
    cells.obsm["spatial"] = places[order]
    return cells


def scattered(n, seed=0):
    return np.random.default_rng(seed).uniform(0, 100, size=(n, 2))


def build(cells, **options):
    return graphs.build(cells, seed=0, **(OPTIONS | options))


def of_image(graph, cells, image):
    """Number of neighbours of each cell of an image, in the order its places were given."""
    inside = np.flatnonzero(cells.obs["image"] == image)
    inside = inside[np.argsort(cells.obs_names[inside].astype(int))]
    return np.diff(graph.indptr)[inside]


KINDS = [("knn", None), ("radius", 30.0), ("delaunay", None)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(2, 25), min_size=1, max_size=3),
    st.sampled_from(KINDS),
    st.sampled_from(["raw", "pca"]),
    st.integers(0, 100),
)
def test_graphs_are_symmetric_binary_within_images_and_repeatable(sizes, kind, space, seed):
    cells = cells_of(*(scattered(n, seed + i) for i, n in enumerate(sizes)), seed=seed)
    options = {"spatial_graph": kind[0], "radius": kind[1], "expression_space": space}
    expression, spatial, used, _ = build(cells, **options)
    assert len(used) == cells.n_obs
    images = cells.obs["image"].to_numpy()
    for graph in (expression, spatial):
        dense = graph.toarray()
        assert np.array_equal(dense, dense.T)
        assert set(np.unique(dense)) <= {0, 1}
        assert not dense.diagonal().any()
        assert not dense[images[:, None] != images[None]].any()
    enough = np.minimum(
        OPTIONS["n_neighbors"],
        cells.obs["image"].map(pd.Series(images).value_counts()).astype(int) - 1,
    )
    assert (np.diff(expression.indptr) >= enough).all()
    if kind[0] != "radius":
        assert (np.diff(spatial.indptr) >= 1).all()
    for a, b in zip((expression, spatial), build(cells, **options)):
        assert (a != b).nnz == 0


def test_the_radius_graph_joins_cells_within_the_radius():
    cells = cells_of(scattered(30), scattered(20, 1))
    s, images = cells.obsm["spatial"].astype(float), cells.obs["image"].to_numpy()
    near = np.linalg.norm(s[:, None] - s[None], axis=2) <= 20
    near &= images[:, None] == images[None]
    np.fill_diagonal(near, False)
    spatial = build(cells, spatial_graph="radius", radius=20.0)[1]
    assert np.array_equal(spatial.toarray(), near)


def test_the_delaunay_graph_is_the_triangulation_of_each_image():
    from scipy.spatial import Delaunay

    cells = cells_of(scattered(30), scattered(20, 1))
    expected = np.zeros((50, 50))
    for image in ("image_0", "image_1"):
        inside = np.flatnonzero(cells.obs["image"] == image)
        for triangle in Delaunay(cells.obsm["spatial"][inside]).simplices:
            for a in triangle:
                for b in triangle:
                    expected[inside[a], inside[b]] = a != b
    assert np.array_equal(build(cells, spatial_graph="delaunay")[1].toarray(), expected)


def test_the_knn_graph_is_that_of_squidpy():
    import squidpy as sq

    cells = cells_of(scattered(40), scattered(30, 1))
    spatial = build(cells)[1]
    sq.gr.spatial_neighbors_knn(cells, n_neighs=4, library_key="image")
    theirs = cells.obsp["spatial_connectivities"]
    assert (spatial != theirs.maximum(theirs.T)).nnz == 0


def test_the_umap_is_given_back_and_is_the_space_of_the_expression_graph():
    cells = cells_of(scattered(60), scattered(40, 1))
    expression, _, umap, _ = build(cells, expression_space="umap")
    assert umap.shape == (100, 2) and umap.dtype == np.float32
    assert (expression != knn_graph(umap, cells.obs["image"].to_numpy(), 5)).nnz == 0
    assert np.array_equal(umap, build(cells, expression_space="umap")[2])
    assert np.array_equal(umap, graphs.umap_2d(cells.X, 0))
    assert not np.array_equal(umap, graphs.umap_2d(cells.X, 1))


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 16, 60])
@pytest.mark.parametrize("width", [1, 5])
def test_umap_takes_any_number_of_cells_and_proteins(n, width):
    x = np.random.default_rng(0).normal(size=(n, width)).astype(np.float32)
    umap = graphs.umap_2d(x, 0)
    assert umap.shape == (n, 2) and np.isfinite(umap).all()


def test_in_figures_the_rest_of_many_cells_lies_among_a_sample(monkeypatch):
    rng = np.random.default_rng(0)
    kind = rng.integers(2, size=400)
    x = (rng.normal(size=(400, 5)) + 20 * kind[:, None]).astype(np.float32)
    whole = graphs.umap_for_figures(x, 1)
    assert np.array_equal(whole, graphs.umap_2d(x, 1))
    monkeypatch.setattr(graphs, "FIGURE_CELLS", 150)
    placed = graphs.umap_for_figures(x, 1)
    assert placed.shape == (400, 2) and placed.dtype == np.float32
    assert np.array_equal(placed, graphs.umap_for_figures(x, 1))
    # every cell, drawn or placed, is nearer to its own kind
    centres = np.stack([placed[kind == k].mean(0) for k in (0, 1)])
    distance = np.linalg.norm(placed[:, None] - centres, axis=2)
    assert (distance.argmin(1) == kind).all()


def test_umap_of_equal_cells_and_of_separate_groups_is_finite():
    for x in (np.ones((30, 4)), np.repeat(100 * np.eye(4), 15, axis=0)):
        assert np.isfinite(graphs.umap_2d(x.astype(np.float32), 0)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_image_of_few_cells_keeps_what_neighbours_it_has(kind, n, caplog):
    places = [(0, 0), (10, 0), (0, 10)][:n]
    cells = cells_of(scattered(30), places)
    spatial = build(cells, spatial_graph=kind[0], radius=kind[1])[1]
    assert of_image(spatial, cells, "image_1").tolist() == [n - 1] * n
    assert f"image 'image_1' has {n} cells" in caplog.text
    assert "spatial_n_neighbors" in caplog.text
    assert ("spatial graph: 1 isolated cells" in caplog.text) == (n == 1)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_at_one_point_are_joined_to_others(kind):
    twice = np.repeat(scattered(8), 2, axis=0)
    cells = cells_of(scattered(30), twice)
    spatial = build(cells, spatial_graph=kind[0], radius=kind[1])[1]
    assert (of_image(spatial, cells, "image_1") > 0).all()


def test_cells_on_one_line_are_joined_to_the_nearest():
    line = np.column_stack([np.arange(6), 2 * np.arange(6)])
    cells = cells_of(scattered(30), line)
    degree = of_image(build(cells, spatial_graph="delaunay")[1], cells, "image_1")
    assert (degree >= 2).all() and (degree <= 3).all()


def test_an_image_with_all_cells_at_one_point_is_refused():
    cells = cells_of(scattered(10), np.ones((5, 2)))
    with pytest.raises(UserError, match="'image_1': all 5 cells lie at one point.*keys x and y"):
        build(cells)


def test_a_radius_graph_needs_a_radius():
    with pytest.raises(UserError, match=r"graphs\.<name>\.radius.*radius: 40"):
        build(cells_of(scattered(10)), spatial_graph="radius")


def test_statistics_are_logged(caplog):
    with caplog.at_level("INFO", logger="spclust"):
        build(cells_of(scattered(30)))
    for graph in ("expression", "spatial"):
        assert f"{graph} graph: {{'cells': 30, 'edges': " in caplog.text
    assert "mean degree" in caplog.text


def test_one_protein_and_many_neighbours_do_no_harm():
    for space in ("raw", "pca"):
        expression = build(
            cells_of(scattered(6), proteins=1), expression_space=space, n_neighbors=50
        )[0]
        assert np.diff(expression.indptr).tolist() == [5] * 6
