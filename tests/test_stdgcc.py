"""stDGCC: finds spatial domains that single cells do not show, keeps to images, repeats."""

import numpy as np
import pytest
import torch
from planted import METHODS, crossing, oversampled, spatial_domains
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.methods import stdgcc
from spclust.parts.gcn import WeightedGraph
from spclust.parts.graphs import knn_graph

# an eighth of the widths and a rate to match keep the tests quick
SMALL = {"hidden_dims": [128, 64, 32, 16], "lr": 0.0004}
SETTINGS = METHODS["stdgcc"] | SMALL
QUICK = {"epochs": 3, "n_init": 3}


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, SETTINGS | {"n_init": 10} | changes)


@pytest.fixture(scope="module")
def cells():
    return spatial_domains(0)


def test_it_finds_domains_that_single_cells_do_not_show(cells):
    truth = cells.obs["label"]
    alone = KMeans(3, n_init=10, random_state=0).fit_predict(cells.X)
    result = run(cells, epochs=200)
    assert adjusted_rand_score(truth, alone) < 0.3
    assert adjusted_rand_score(truth, result.labels) > 0.5
    assert result.embedding.shape == (600, SETTINGS["hidden_dims"][-1])
    assert not result.tables and result.model is None


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, **QUICK) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_the_graph_mixes_neighbours_and_cell_as_lambda_says(cells):
    places, images = cells.obsm["spatial"], cells.obs["image"].to_numpy()
    graph = stdgcc.spatial_graph(places, images, {"self_weight": 0.8, "n_neighbors": 6})
    expected = 0.2 * knn_graph(places, images, 6).toarray() + 0.8 * np.eye(600)
    np.testing.assert_allclose(graph.toarray(), expected, atol=1e-6)
    alone = stdgcc.spatial_graph(places, images, {"self_weight": 1, "n_neighbors": 6})
    assert (alone.toarray() == np.eye(600)).all() and alone.nnz == 600


def test_one_image_does_not_see_another(cells):
    places, images = cells.obsm["spatial"].copy(), cells.obs["image"].to_numpy()
    own = {"self_weight": 0.8, "n_neighbors": 15}
    graph = stdgcc.spatial_graph(places, images, own)
    assert crossing(graph, images) == 0
    inside = images == "b"
    places[inside] = np.random.default_rng(0).permutation(places[inside])
    moved = stdgcc.spatial_graph(places, images, own)
    assert (graph[~inside] != moved[~inside]).nnz == 0
    assert (graph[inside] != moved[inside]).nnz > 0
    # nor do embeddings of one image depend on proteins of the other
    torch.manual_seed(0)
    model, x = stdgcc.Model(12, [8, 4]), torch.from_numpy(cells.X)
    other = torch.from_numpy(np.where(inside[:, None], -cells.X, cells.X))
    weighted = WeightedGraph.from_scipy(graph)
    drawn_from = model.distributions(*(model.basis(v, weighted) for v in (x, other)))
    means = [mean[~inside] for mean, _ in drawn_from]
    assert torch.equal(*means)


def test_a_lone_cell_of_an_image_is_no_error(cells):
    lone = cells.copy()
    lone.obs["image"] = ["c", *cells.obs["image"][1:]]
    assert len(run(lone, **QUICK).labels) == 600


def test_each_term_enters_with_its_weight(cells):
    x, images = torch.from_numpy(cells.X), cells.obs["image"].to_numpy()
    graph = WeightedGraph.from_scipy(
        stdgcc.spatial_graph(cells.obsm["spatial"], images, SETTINGS), "cpu"
    )
    torch.manual_seed(0)
    model = stdgcc.Model(12, [8, 4])
    true, corrupted = model.basis(x, graph), model.basis(x.flip(0), graph)

    def loss(**weights):
        own = {"weight_contrast": 0, "weight_reconstruction": 0, "weight_prior": 0} | weights
        generator = torch.Generator().manual_seed(0)
        value, terms = stdgcc.objective(model, x, true, corrupted, own, generator)
        return value.item(), {k: v.item() for k, v in terms.items()}

    value, terms = loss(weight_contrast=2.0)
    assert value == pytest.approx(2 * (terms["infomax"] + terms["cosine"]))
    assert loss(weight_reconstruction=0.5)[0] == pytest.approx(0.5 * terms["reconstruction"])
    assert loss(weight_prior=0.1)[0] == pytest.approx(0.1 * terms["prior"], rel=1e-5)
    # of a standard normal the divergence from it is nil
    ((mean, log_variance),) = model.distributions(true)
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert terms["prior"] == pytest.approx(kl.sum().item() / 600, rel=1e-4)


def test_products_over_layers_first_change_nothing(cells):
    images = cells.obs["image"].to_numpy()
    graph = WeightedGraph.from_scipy(stdgcc.spatial_graph(cells.obsm["spatial"], images, SETTINGS))
    torch.manual_seed(0)
    model, x = stdgcc.Model(12, [32, 16, 4]), torch.from_numpy(cells.X)
    mean, log_variance = model.encoder(x, graph).split(4, dim=1)
    ((got_mean, got_log_variance),) = model.distributions(model.basis(x, graph))
    torch.testing.assert_close(got_mean, mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(got_log_variance, log_variance, atol=1e-5, rtol=1e-4)
    decoded = torch.nn.Sequential(*model.decoder)(mean)
    torch.testing.assert_close(model.decode(mean), decoded, atol=1e-5, rtol=1e-4)


def test_synthetic_cells_train_but_get_no_labels(cells):
    result = run(oversampled(cells), **QUICK)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 600
    assert result.embedding.tobytes() != run(cells, **QUICK).embedding.tobytes()


def test_components_are_capped_at_a_small_panel(cells):
    assert len(np.unique(run(cells[:, :2].copy(), **QUICK).labels)) == 3


def test_one_cluster_and_a_single_layer_are_no_error(cells):
    result = run(cells, n_clusters=1, hidden_dims=[4], **QUICK)
    assert not result.labels.any() and result.embedding.shape == (600, 4)


def test_a_rate_that_blows_up_is_told(cells):
    with pytest.raises(UserError, match=r"the loss became .*; lower methods\.<name>\.lr"):
        run(cells, lr=1e20, **QUICK)
