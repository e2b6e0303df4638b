"""SpatialLeiden by its package: finds domains, crosses no image, gives the asked number."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from planted import crossing, expression_types, graphs_for, oversampled, spatial_domains
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import spatialleiden as recipe
from spclust.neighbours.spatial import delaunay_graph

pytest.importorskip("spatialleiden", reason="the package spatialleiden is not installed")


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("spatialleiden", cells, seed, n_clusters, **changes)


@pytest.fixture(scope="module")
def planted():
    """A single image: the domains of several are joined by what cells express, here too weak."""
    cells, reference = spatial_domains(0)
    return replace(cells, image=np.full(len(cells), "a", dtype=object)), reference


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.fixture(scope="module")
def two_images():
    return spatial_domains(0)[0]


@pytest.mark.parametrize("kind", ["delaunay", "knn"])
def test_it_finds_domains_that_cells_alone_do_not_show(planted, kind):
    cells, reference = planted
    graphs = graphs_for("spatialleiden", cells, spatial_graph=kind)
    result = run(cells, graphs=graphs)
    alone = run_any("leiden", cells)
    assert adjusted_rand_score(reference, result.labels) > 0.4
    assert adjusted_rand_score(reference, alone.labels) < 0.2
    assert np.array_equal(result.embedding, cells.matrix) and not result.tables


def test_the_more_weight_on_places_the_more_compact_the_clusters(cells):
    edges = delaunay_graph(cells.coordinates, cells.image).tocoo()
    graphs = graphs_for("spatialleiden", cells)

    def compactness(ratio):
        labels = run(cells, layer_ratio=ratio, graphs=graphs).labels
        return (labels[edges.row] == labels[edges.col]).mean()

    assert compactness(0) + 0.1 < compactness(0.3) + 0.05 < compactness(1.8)


def test_a_cluster_is_the_same_in_all_images():
    cells, reference = expression_types(0)
    assert len(set(cells.image)) == 2
    labels = run(cells, layer_ratio=0.3).labels
    assert adjusted_rand_score(reference, labels) > 0.9


@pytest.mark.parametrize("n_clusters", [1, 2, 5])
def test_the_asked_number_of_clusters_comes_out(cells, n_clusters):
    assert set(run(cells, n_clusters=n_clusters).labels) == set(range(n_clusters))


@pytest.mark.parametrize("seed", [3, 2**32 - 1])
def test_a_seed_repeats_to_the_byte(cells, seed):
    first, second = run(cells, seed), run(cells, seed)
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()


def test_synthetic_cells_are_seen_but_get_no_labels(cells):
    both = oversampled(cells)
    result = run(both)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 600
    x = both.features["protein"].copy()
    x[600:] += 100
    moved = replace(both, features={"protein": x})
    assert not np.array_equal(run(moved).labels, result.labels)


@pytest.mark.parametrize("kind", ["delaunay", "knn"])
def test_places_weigh_less_the_farther_and_cross_no_image(two_images, kind):
    cells = two_images
    graph = graphs_for("spatialleiden", cells, spatial_graph=kind)["spatial"]
    places = cells.coordinates.astype(float)
    weights = recipe.spatial_weights(graph, places).tocoo()
    assert weights.nnz == graph.nnz and crossing(weights, cells.image) == 0
    lengths = np.linalg.norm(places[weights.row] - places[weights.col], axis=1)
    np.testing.assert_allclose(weights.data, 1 - lengths / lengths.max(), atol=1e-5)


def test_edges_of_one_length_all_count():
    places = np.column_stack([[0.0, 1.0, 0.5], [0.0, 0.0, np.sqrt(0.75)]])
    weights = recipe.spatial_weights(delaunay_graph(places, np.zeros(3)), places)
    assert weights.nnz == 6 and weights.data.min() > 0


def test_images_too_small_for_a_graph_are_still_clustered(two_images):
    cells = two_images
    small = cells.image.copy()
    small[:3] = ["c", "d", "d"]
    small = replace(cells, image=small)
    apart = graphs_for("spatialleiden", small, expression_within="image")
    for graphs in (None, apart):
        assert set(run(small, graphs=graphs).labels) == {0, 1, 2}
    tiny = replace(cells.take(slice(4)), image=np.array(list("abcd"), dtype=object))
    apart = graphs_for("spatialleiden", tiny, expression_within="image")
    assert set(run(tiny, n_clusters=2, graphs=apart).labels) == {0, 1}


def test_the_package_is_called_as_its_tutorial_does(cells, monkeypatch):
    import spatialleiden

    called, search = {}, spatialleiden.search_resolution

    def noted(adata, n_clusters, **others):
        called.update(others)
        return search(adata, n_clusters, **others)

    monkeypatch.setattr(spatialleiden, "search_resolution", noted)
    graphs = graphs_for("spatialleiden", cells)
    found = run(cells, graphs=graphs)
    features, own = called["latent_kwargs"], called["spatial_kwargs"]
    assert features["directed"] is False and own["directed"] == (False, True)
    assert own["layer_ratio"] == 1.8 and called["n_iter"] == 15
    # whole matrices, each edge in both directions
    for layer in (features["neighbors"], own["latent_neighbors"], own["spatial_neighbors"]):
        assert abs(layer - layer.T).max() == 0 and sp.tril(layer, -1).nnz == layer.nnz / 2
    # so that an edge of the features weighs twice: 0.9 against each edge once
    once = spatialleiden.multiplex_leiden(
        sp.triu(features["neighbors"], 1),
        own["spatial_neighbors"],
        directed=(False, True),
        layer_weights=[2.0, 1.8],
        random_state=0,
        partition_kwargs=[{"resolution_parameter": r} for r in (0.5, 0.5)],
    )
    twice = spatialleiden.multiplex_leiden(
        features["neighbors"],
        own["spatial_neighbors"],
        directed=(False, True),
        layer_weights=[1.0, 1.8],
        random_state=0,
        partition_kwargs=[{"resolution_parameter": r} for r in (0.5, 0.5)],
    )
    assert adjusted_rand_score(once, twice) > 0.8
    assert len(set(found.labels)) == 3


def test_agreement_is_the_share_of_weight_that_stays_inside():
    edges = sp.coo_matrix(([3.0, 1.0, 3.0, 1.0], ([0, 0, 1, 2], [1, 2, 0, 0])), shape=(4, 4))
    labels = np.array([0, 0, 1, 1])
    assert recipe.agreement(edges, labels).tolist() == [0.75, 1, 0, 1]


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="601 clusters were asked of 600 cells"):
        run(cells, n_clusters=601)
