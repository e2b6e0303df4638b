"""SpatialLeiden by its package: finds domains, crosses no image, gives the asked number."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted import METHODS, crossing, oversampled, spatial_domains
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.methods import spatialleiden as recipe
from spclust.parts.spatial import delaunay_graph

pytest.importorskip("spatialleiden", reason="the package spatialleiden is not installed")
SETTINGS = METHODS["spatialleiden"]


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, SETTINGS | changes)


def ari(cells, result):
    return adjusted_rand_score(cells.obs["label"], result.labels)


@pytest.fixture(scope="module")
def cells():
    return spatial_domains(0)


@pytest.mark.parametrize("kind", ["delaunay", "knn"])
def test_it_finds_domains_that_cells_alone_do_not_show(cells, kind):
    result = run(cells, spatial_graph=kind)
    alone = methods.cluster(cells, 3, 0, METHODS["leiden"])
    assert ari(cells, result) > 0.4 > 0.2 > ari(cells, alone)
    assert np.array_equal(result.embedding, cells.X) and not result.tables


def test_the_more_weight_on_places_the_more_compact_the_clusters(cells):
    edges = delaunay_graph(cells.obsm["spatial"], cells.obs["image"].to_numpy()).tocoo()

    def compactness(ratio):
        labels = run(cells, layer_ratio=ratio).labels
        return (labels[edges.row] == labels[edges.col]).mean()

    assert compactness(0) + 0.1 < compactness(0.3) + 0.05 < compactness(1.8)


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
    moved = both.copy()
    moved.X[600:] += 100
    assert not np.array_equal(run(moved).labels, result.labels)


@pytest.mark.parametrize("kind", ["delaunay", "knn"])
def test_places_weigh_less_the_farther_and_cross_no_image(cells, kind):
    images = cells.obs["image"].to_numpy()
    weights = recipe.spatial_weights(
        cells.obsm["spatial"].astype(float), images, SETTINGS | {"spatial_graph": kind}
    ).tocoo()
    lengths = np.linalg.norm(
        cells.obsm["spatial"][weights.row] - cells.obsm["spatial"][weights.col], axis=1
    )
    np.testing.assert_allclose(weights.data, 1 - lengths / lengths.max(), atol=1e-5)
    assert crossing(weights, images) == 0


def test_edges_of_one_length_all_count():
    places = np.column_stack([[0.0, 1.0, 0.5], [0.0, 0.0, np.sqrt(0.75)]])
    weights = recipe.spatial_weights(places, np.zeros(3), SETTINGS)
    assert weights.nnz == 6 and weights.data.min() > 0


def test_images_too_small_for_a_graph_are_still_clustered(cells):
    small = cells.copy()
    names = small.obs["image"].astype(str).to_numpy()
    names[:3] = ["c", "d", "d"]
    small.obs["image"] = pd.Categorical(names)
    assert set(run(small).labels) == {0, 1, 2}
    tiny = anndata.AnnData(cells.X[:4].copy(), obs=cells.obs.iloc[:4].copy())
    tiny.obs["image"] = pd.Categorical(list("abcd"))
    tiny.obsm["spatial"] = cells.obsm["spatial"][:4]
    assert set(run(tiny, n_clusters=2).labels) == {0, 1}


def test_agreement_is_the_share_of_weight_that_stays_inside():
    edges = sp.coo_matrix(([3.0, 1.0, 3.0, 1.0], ([0, 0, 1, 2], [1, 2, 0, 0])), shape=(4, 4))
    labels = np.array([0, 0, 1, 1])
    assert recipe.agreement(edges, labels).tolist() == [0.75, 1, 0, 1]


def test_more_clusters_than_cells_are_refused(cells):
    with pytest.raises(UserError, match="601 clusters were asked of 600 cells"):
        run(cells, n_clusters=601)
