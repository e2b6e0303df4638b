"""stDGCC: finds spatial domains that single cells do not show, keeps to images, repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import (
    METHODS,
    cells_of,
    crossing,
    graphs_for,
    interrupted,
    oversampled,
    spatial_domains,
)
from planted import run as run_any
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import stdgcc
from spclust.nn.neighbourhoods import Neighbourhoods

# an eighth of the widths and a rate to match keep the tests quick
SMALL = {"hidden_dims": [128, 64, 32, 16], "lr": 0.0004, "n_init": 10}
QUICK = {"epochs": 3, "n_init": 3}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("stdgcc", cells, seed, n_clusters, **SMALL | changes)


@pytest.fixture(scope="module")
def planted():
    return spatial_domains(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def weighted(cells, self_weight=0.8):
    """The graph that the model propagates over."""
    return stdgcc.with_own_weight(graphs_for("stdgcc", cells)["spatial"], self_weight)


def test_it_finds_domains_that_single_cells_do_not_show(planted):
    cells, reference = planted
    alone = KMeans(3, n_init=10, random_state=0).fit_predict(cells.matrix)
    result = run(cells, epochs=200)
    assert adjusted_rand_score(reference, alone) < 0.3
    assert adjusted_rand_score(reference, result.labels) > 0.5
    assert result.embedding.shape == (600, SMALL["hidden_dims"][-1])
    assert result.model is None


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, **QUICK) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize("stop", [4, 7])
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, stop):
    settings = SMALL | {"epochs": 8, "n_init": 3}
    whole, resumed = interrupted("stdgcc", cells, tmp_path / "c.pt", stop, **settings)
    assert resumed.embedding.tobytes() == whole.embedding.tobytes()
    assert resumed.labels.tobytes() == whole.labels.tobytes()
    assert resumed.tables["history"].equals(whole.tables["history"])


def test_the_history_has_the_terms_of_each_epoch(cells):
    history = run(cells, **QUICK).tables["history"]
    assert list(history["epoch"]) == [1, 2, 3] and set(history["phase"]) == {"train"}
    s = METHODS["stdgcc"]
    expected = (
        s["weight_contrast"] * (history["infomax"] + history["cosine"])
        + s["weight_reconstruction"] * history["reconstruction"]
        + s["weight_prior"] * history["prior"]
    )
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_the_graph_mixes_neighbours_and_cell_as_lambda_says(cells):
    spatial = graphs_for("stdgcc", cells)["spatial"]
    assert (np.diff(spatial.indptr) >= 15).all()
    expected = 0.2 * spatial.toarray() + 0.8 * np.eye(600)
    np.testing.assert_allclose(weighted(cells).toarray(), expected, atol=1e-6)
    alone = weighted(cells, 1)
    assert (alone.toarray() == np.eye(600)).all() and alone.nnz == 600


def test_one_image_does_not_see_another(cells):
    inside, graph = cells.image == "b", weighted(cells)
    assert crossing(graph, cells.image) == 0
    places = cells.coordinates.copy()
    places[inside] = np.random.default_rng(0).permutation(places[inside])
    moved = weighted(replace(cells, coordinates=places))
    assert (graph[~inside] != moved[~inside]).nnz == 0
    assert (graph[inside] != moved[inside]).nnz > 0
    # nor do embeddings of one image depend on features of the other
    torch.manual_seed(0)
    model, x = stdgcc.Model(12, [8, 4]), torch.from_numpy(cells.matrix)
    other = torch.from_numpy(np.where(inside[:, None], -cells.matrix, cells.matrix))
    edges = Neighbourhoods.from_scipy(graph)
    drawn_from = model.distributions(*(model.basis(v, edges) for v in (x, other)))
    means = [mean[~inside] for mean, _ in drawn_from]
    assert torch.equal(*means)


def test_a_lone_cell_of_an_image_is_no_error(cells):
    images = np.array(["c", *cells.image[1:]], dtype=object)
    assert len(run(replace(cells, image=images), **QUICK).labels) == 600


def test_each_term_enters_with_its_weight(cells):
    x, graph = torch.from_numpy(cells.matrix), Neighbourhoods.from_scipy(weighted(cells))
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
    # 12 features weigh as the authors' 3,000 do at 0.05
    auto = loss(weight_reconstruction="auto")[0]
    assert auto == pytest.approx(0.05 * 3000 / 12 * terms["reconstruction"])
    assert loss(weight_prior=0.1)[0] == pytest.approx(0.1 * terms["prior"], rel=1e-5)
    # of a standard normal the divergence from it is nil
    ((mean, log_variance),) = model.distributions(true)
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert terms["prior"] == pytest.approx(kl.sum().item() / 600, rel=1e-4)


def test_products_over_layers_first_change_nothing(cells):
    graph = Neighbourhoods.from_scipy(weighted(cells))
    torch.manual_seed(0)
    model, x = stdgcc.Model(12, [32, 16, 4]), torch.from_numpy(cells.matrix)
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
    few = cells_of(cells.matrix[:, :2], cells.coordinates, cells.image)
    assert len(np.unique(run(few, **QUICK).labels)) == 3


def test_one_cluster_and_a_single_layer_are_no_error(cells):
    result = run(cells, n_clusters=1, hidden_dims=[4], **QUICK)
    assert not result.labels.any() and result.embedding.shape == (600, 4)


def test_a_rate_that_blows_up_is_told(cells):
    with pytest.raises(UserError, match=r"the loss became .*; lower method\.stdgcc\.lr"):
        run(cells, lr=1e20, **QUICK)
