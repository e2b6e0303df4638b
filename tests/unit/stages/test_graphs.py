"""Graphs of cells: symmetric, within what they should be, and sane where there are few cells."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import cells_of, crossing

from spclust.data import graphs as graph_files
from spclust.errors import UserError
from spclust.neighbours import layout
from spclust.neighbours.knn import knn_graph
from spclust.neighbours.spatial import delaunay_graph, edge_lengths
from spclust.plan.stages import STAGES
from spclust.stages import graphs

OPTIONS = STAGES["graphs"].defaults | {
    "expression_space": "raw",
    "n_neighbors": 5,
    "spatial_n_neighbors": 4,
}


def cells_at(*places, seed=0, proteins=4):
    """Cells of several images, given by the places of their cells, in mixed order.

    The first image is one slice, the others are another.
    """
    rng = np.random.default_rng(seed)
    coordinates = np.concatenate([np.asarray(p, dtype=float).reshape(-1, 2) for p in places])
    number = np.repeat(np.arange(len(places)), [len(p) for p in places])
    order = rng.permutation(len(number))
    images = np.array([f"image_{i}" for i in number[order]], dtype=object)
    slices = np.where(number[order] == 0, "a", "b").astype(object)
    x = rng.normal(size=(len(number), proteins))
    cells = cells_of(x, coordinates[order], images, slice=slices)
    return replace(cells, ids=order.astype(str).astype(object))


def scattered(n, seed=0):
    return np.random.default_rng(seed).uniform(0, 100, size=(n, 2))


def build(cells, **options):
    return graphs.build(cells, seed=0, **(OPTIONS | options))


def of_image(graph, cells, image):
    """Number of neighbours of each cell of an image, in the order its places were given."""
    inside = np.flatnonzero(cells.image == image)
    inside = inside[np.argsort(cells.ids[inside].astype(int))]
    return np.diff(graph.indptr)[inside]


KINDS = [("knn", None), ("radius", 30.0), ("delaunay", None)]
WITHIN = st.sampled_from(["cohort", "slice", "image"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(2, 25), min_size=1, max_size=3),
    st.sampled_from(KINDS),
    st.sampled_from(["raw", "pca", "correlation"]),
    st.sampled_from(["binary", "umap", "jaccard"]),
    WITHIN,
    st.integers(0, 100),
)
def test_graphs_are_symmetric_repeatable_and_within_their_groups(
    sizes, kind, space, weights, within, seed
):
    cells = cells_at(*(scattered(n, seed + i) for i, n in enumerate(sizes)), seed=seed)
    options = {
        "spatial_graph": kind[0],
        "radius": kind[1],
        "expression_space": space,
        "expression_weights": weights,
        "expression_within": within,
    }
    built = build(cells, **options)
    assert set(built.edges) == {"expression", "spatial"}
    assert len(built.spaces["expression"]) == len(cells)
    groups = cells.groups(within)
    assert crossing(built["expression"], groups) == crossing(built["spatial"], cells.image) == 0
    for graph in built.edges.values():
        dense = graph.toarray()
        assert np.array_equal(dense, dense.T) and not dense.diagonal().any()
        assert dense.min() >= 0 and dense.max() <= 1 + 1e-6
    assert set(built["spatial"].data) <= {1}
    if weights == "binary":
        assert set(built["expression"].data) <= {1}
        enough = np.minimum(OPTIONS["n_neighbors"], np.bincount(groups)[groups] - 1)
        assert (np.diff(built["expression"].indptr) >= enough).all()
    if kind[0] != "radius":
        assert (np.diff(built["spatial"].indptr) >= 1).all()
    again = build(cells, **options)
    for name, graph in built.edges.items():
        assert (graph != again[name]).nnz == 0


def test_expression_joins_images_and_space_does_not():
    rng = np.random.default_rng(0)
    kind, images = (
        rng.integers(2, size=200),
        np.array(["a", "b"], object)[rng.integers(2, size=200)],
    )
    cells = cells_of(rng.normal(size=(200, 4)) + 9 * kind[:, None], image=images)
    built = build(cells)
    assert crossing(built["expression"], kind) == 0
    # half of a cell's neighbours are of the other image, as half of the cells are
    assert 0.4 < crossing(built["expression"], images) / built["expression"].nnz < 0.6
    assert crossing(built["spatial"], images) == 0


def test_cells_without_places_have_an_expression_graph_only():
    cells = cells_of(np.random.default_rng(0).normal(size=(90, 4)))
    cells.coordinates[3] = np.nan
    own = STAGES["graphs"].defaults | {"expression_space": "raw"}
    with pytest.raises(UserError, match="spatial_graph: knn needs .* 1 of 90 have none.*'cell_3'"):
        graphs.build(cells, 0, **own)
    assert list(graphs.build(cells, 0, **own | {"spatial_graph": "none"}).edges) == ["expression"]


def test_a_kind_that_is_none_is_left_out():
    cells = cells_at(scattered(30))
    assert set(build(cells, expression_space="none").edges) == {"spatial"}
    assert build(cells, expression_space="none").spaces == {}
    assert set(build(cells, spatial_graph="none").edges) == {"expression"}
    with pytest.raises(UserError, match="both none.*spatial_graph: knn"):
        build(cells, expression_space="none", spatial_graph="none")


def test_several_modalities_have_a_graph_each_and_one_of_both():
    rng = np.random.default_rng(0)
    halves = {m: rng.normal(size=(60, d)).astype(np.float32) for m, d in (("rna", 5), ("adt", 3))}
    cells = cells_of(halves["rna"])
    cells = replace(
        cells, features=halves, names={m: np.arange(x.shape[1]) for m, x in halves.items()}
    )
    built = build(cells)
    assert list(built.edges) == ["expression", "expression/rna", "expression/adt", "spatial"]
    assert built.of_modalities() == ["expression/rna", "expression/adt"]
    for name, x in (
        ("expression", cells.matrix),
        ("expression/rna", halves["rna"]),
        ("expression/adt", halves["adt"]),
    ):
        assert (built[name] != knn_graph(x, np.zeros(60), 5)).nnz == 0
        assert np.array_equal(built.spaces[name], x)


def test_graphs_and_their_settings_survive_a_file(tmp_path):
    built = build(cells_at(scattered(30)), expression_weights="umap")
    assert built.settings == OPTIONS | {"expression_weights": "umap"}
    json.dumps(built.settings)
    graph_files.write_graphs(tmp_path / "graphs.npz", built)
    again = graph_files.read_graphs(tmp_path / "graphs.npz")
    assert again.settings == built.settings
    for name, graph in built.edges.items():
        assert (graph != again[name]).nnz == 0


def test_correlated_cells_are_joined_whatever_their_level():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8)).astype(np.float32)
    x = x * rng.uniform(0.1, 10, size=(60, 1)) + rng.uniform(-5, 5, size=(60, 1))
    x[7] = 3  # a flat profile correlates with none
    graph = build(cells_of(x), expression_space="correlation")["expression"]
    correlation = np.corrcoef(x[np.arange(60) != 7])
    np.fill_diagonal(correlation, -2)
    nearest = np.argsort(-correlation, axis=1)[:, 0]
    graph = graph[np.arange(60) != 7][:, np.arange(60) != 7]
    assert (np.asarray(graph[np.arange(59), nearest]) == 1).all()


def test_weights_are_those_of_umap_and_of_shared_neighbours():
    from spclust.neighbours.expression import neighbour_weights, shared_neighbours

    cells = cells_at(scattered(40), scattered(30, 1))
    images = cells.groups("image")
    for name, weigh in (("umap", neighbour_weights), ("jaccard", shared_neighbours)):
        built = build(cells, expression_weights=name, expression_within="image")["expression"]
        assert (built != weigh(cells.matrix, images, 5, 0)).nnz == 0
        assert len(set(built.data)) > 5


def test_the_longest_edges_of_a_triangulation_can_be_left_out():
    cells = cells_at(scattered(60), scattered(40, 1))
    whole = delaunay_graph(cells.coordinates.astype(float), cells.image)
    assert (build(cells, spatial_graph="delaunay")["spatial"] != whole).nnz == 0
    pruned = build(cells, spatial_graph="delaunay", longest_percentile=90)["spatial"]
    assert 0.88 < pruned.nnz / whole.nnz < 0.92
    lengths = edge_lengths(whole, cells.coordinates).data
    assert edge_lengths(pruned, cells.coordinates).max() <= np.percentile(lengths, 90) + 1e-6


def test_the_radius_graph_joins_cells_within_the_radius():
    cells = cells_at(scattered(30), scattered(20, 1))
    near = np.linalg.norm(cells.coordinates[:, None] - cells.coordinates[None], axis=2) <= 20
    near &= cells.image[:, None] == cells.image[None]
    np.fill_diagonal(near, False)
    spatial = build(cells, spatial_graph="radius", radius=20.0)["spatial"]
    assert np.array_equal(spatial.toarray(), near)


def test_the_delaunay_graph_is_the_triangulation_of_each_image():
    from scipy.spatial import Delaunay

    cells = cells_at(scattered(30), scattered(20, 1))
    expected = np.zeros((50, 50))
    for image in ("image_0", "image_1"):
        inside = np.flatnonzero(cells.image == image)
        for triangle in Delaunay(cells.coordinates[inside]).simplices:
            for a in triangle:
                for b in triangle:
                    expected[inside[a], inside[b]] = a != b
    built = build(cells, spatial_graph="delaunay")["spatial"]
    assert np.array_equal(built.toarray(), expected)


def test_the_knn_graph_is_that_of_squidpy():
    import anndata
    import pandas as pd

    sq = pytest.importorskip("squidpy")
    cells = cells_at(scattered(40), scattered(30, 1))
    spatial = build(cells)["spatial"]
    obs = pd.DataFrame({"image": pd.Categorical(cells.image)}, index=cells.ids)
    theirs = anndata.AnnData(cells.matrix, obs=obs, obsm={"spatial": cells.coordinates})
    sq.gr.spatial_neighbors_knn(theirs, n_neighs=4, library_key="image")
    theirs = theirs.obsp["spatial_connectivities"]
    assert (spatial != theirs.maximum(theirs.T)).nnz == 0


@pytest.mark.parametrize("within", ["cohort", "image"])
def test_the_umap_of_all_cells_is_the_space_of_the_expression_graph(within):
    cells = cells_at(scattered(60), scattered(40, 1))
    built = build(cells, expression_space="umap", expression_within=within)
    umap = built.spaces["expression"]
    assert umap.shape == (100, 2) and umap.dtype == np.float32
    assert (built["expression"] != knn_graph(umap, cells.groups(within), 5)).nnz == 0
    assert np.array_equal(umap, layout.umap_2d(cells.matrix, 0))
    assert not np.array_equal(umap, layout.umap_2d(cells.matrix, 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_image_of_few_cells_keeps_what_neighbours_it_has(kind, n, caplog):
    places = [(0, 0), (10, 0), (0, 10)][:n]
    cells = cells_at(scattered(30), places)
    options = {"spatial_graph": kind[0], "radius": kind[1], "expression_within": "image"}
    built = build(cells, **options)
    for graph in built.edges.values():
        assert of_image(graph, cells, "image_1").tolist() == [n - 1] * n
    of_few = f"1 of 2 images have at most {{}} cells, the smallest {n}; each of them is joined"
    assert "graphs.<name>.n_neighbors: " + of_few.format(5) in caplog.text
    assert (of_few.format(4) in caplog.text) == (kind[0] == "knn")
    assert ("spatial graph: 1 isolated cells" in caplog.text) == (n == 1)


@pytest.mark.parametrize("within", ["cohort", "image"])
def test_hundreds_of_tiny_images_are_quick_and_warned_of_once(within, caplog):
    cells = cells_at(*(scattered(1 + i % 5, i) for i in range(500)))
    built = build(cells, expression_within=within)
    assert crossing(built["spatial"], cells.image) == 0
    warnings = [r.message for r in caplog.records if r.levelname == "WARNING"]
    few = [w for w in warnings if "have at most" in w]
    assert len(few) == (1 if within == "cohort" else 2) and len(warnings) == 2 * len(few)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_at_one_point_are_joined_to_others(kind):
    twice = np.repeat(scattered(8), 2, axis=0)
    cells = cells_at(scattered(30), twice)
    spatial = build(cells, spatial_graph=kind[0], radius=kind[1])["spatial"]
    assert (of_image(spatial, cells, "image_1") > 0).all()


def test_cells_on_one_line_are_joined_to_the_nearest():
    line = np.column_stack([np.arange(6), 2 * np.arange(6)])
    cells = cells_at(scattered(30), line)
    degree = of_image(build(cells, spatial_graph="delaunay")["spatial"], cells, "image_1")
    assert (degree >= 2).all() and (degree <= 3).all()


def test_an_image_with_all_cells_at_one_point_is_refused():
    cells = cells_at(scattered(10), np.ones((5, 2)))
    with pytest.raises(UserError, match="all 5 cells of the image 'image_1' lie at one"):
        build(cells)
    assert "spatial" not in build(cells, spatial_graph="none").edges


def test_a_radius_graph_needs_a_radius():
    with pytest.raises(UserError, match=r"graphs.<name>: .*needs a radius.*radius: 40"):
        build(cells_at(scattered(10)), spatial_graph="radius")


def test_statistics_are_logged(caplog):
    with caplog.at_level("INFO", logger="spclust"):
        build(cells_at(scattered(30)))
    for graph in ("expression", "spatial"):
        assert f"{graph} graph: {{'cells': 30, 'edges': " in caplog.text
    assert "mean degree" in caplog.text


def test_one_protein_and_many_neighbours_do_no_harm():
    for space in ("raw", "pca", "correlation"):
        expression = build(
            cells_at(scattered(6), proteins=1), expression_space=space, n_neighbors=50
        )["expression"]
        assert np.diff(expression.indptr).tolist() == [5] * 6
