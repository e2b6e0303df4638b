"""GraphST: finds domains, its contrast with surroundings by definition, repeats and resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import (
    assert_a_seed_repeats,
    assert_same_bytes,
    cells_of,
    graphs_for,
    interrupted,
    oversampled,
    spatial_domains,
)
from planted import run as run_any
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from spclust.clustering import heads
from spclust.errors import UserError
from spclust.methods import graphst
from spclust.neighbours.knn import with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods

SMALL = {"width": 16, "lr": 0.01}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("graphst", cells, seed, n_clusters, **SMALL | changes)


@pytest.fixture(scope="module")
def planted():
    return spatial_domains(0, n=400)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.mark.parametrize("self_loops", ["before", "after"])
def test_it_finds_domains_that_features_alone_do_not_show(planted, self_loops):
    cells, reference = planted
    result = run(cells, epochs=60, self_loops=self_loops)
    alone = KMeans(3, n_init=10, random_state=0).fit_predict(cells.matrix)
    assert adjusted_rand_score(reference, alone) < 0.3
    assert adjusted_rand_score(reference, result.labels) > 0.6
    assert result.embedding.shape == (400, 12) and result.model is None


def operators(adjacency, loops):
    graph = Neighbourhoods.from_scipy(with_self_loops(adjacency))
    return graphst.operator_of(graph, adjacency, loops), graph


@pytest.mark.parametrize("loops", ["before", "after"])
def test_a_cell_joins_its_neighbours_before_or_after_they_are_normalised(cells, loops):
    adjacency = graphs_for("graphst", cells)["spatial"]
    a, own = adjacency.toarray(), np.eye(400)
    inside = a + own if loops == "before" else a
    normalised = inside / np.sqrt(np.outer(inside.sum(1), inside.sum(1)))
    expected = normalised if loops == "before" else normalised + own
    operator, _ = operators(adjacency, loops)
    found = operator.propagate(torch.eye(400)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def dense_objective(parameters, x, shuffled, operator, adjacency, discriminator):
    """Value by matrices of n x n and torch's own cross-entropy, in double precision."""
    encoder, bias, decoder, last_bias = parameters
    z, corrupted = (operator @ v @ encoder + bias for v in (x, shuffled))
    own, other = z.relu(), corrupted.relu()

    def summary(v):
        mean = adjacency @ v / adjacency.sum(1, keepdim=True)
        return torch.sigmoid(mean / mean.norm(dim=1, keepdim=True).clamp(min=1e-12))

    def cross_entropy(g, true, false):
        logits = torch.stack([((v @ discriminator) * g).sum(1) for v in (true, false)], 1)
        wanted = torch.tensor([1.0, 0.0]).double().expand(len(g), 2)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)

    contrast = cross_entropy(summary(own), own, other) + cross_entropy(summary(other), other, own)
    reconstruction = (operator @ z @ decoder + last_bias - x).square().mean()
    return 10 * reconstruction + contrast, reconstruction, contrast


def test_value_and_gradient_equal_the_dense_form(cells):
    adjacency = graphs_for("graphst", cells.take(slice(50)))["spatial"]
    x = torch.tensor(cells.matrix[:50]).double()
    operator, graph = operators(adjacency, "before")
    graph = Neighbourhoods(graph.edge_index, graph.indptr, graph.weight.double(), 50)
    torch.manual_seed(0)
    model = graphst.Model(12, 5).double()
    torch.nn.init.normal_(model.encoder.bias)
    settings = {"weight_reconstruction": 10.0, "weight_contrast": 1.0}
    found, terms = graphst.objective(model, x, x.flip(0), graph, graph, settings)
    parameters = [
        model.encoder.weight,
        model.encoder.bias,
        model.decoder.weight,
        model.decoder.bias,
    ]
    wanted = [*parameters, model.discriminator.weight]
    dense_a = torch.tensor(with_self_loops(adjacency).toarray()).double()
    scale = dense_a.sum(1).rsqrt()
    expected, *parts = dense_objective(
        parameters, x, x.flip(0), scale[:, None] * dense_a * scale, dense_a, wanted[-1]
    )
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert [t.item() for t in terms.values()] == pytest.approx([p.item() for p in parts], rel=1e-6)
    for ours, reference in zip(*(torch.autograd.grad(v, wanted) for v in (found, expected))):
        torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-8)


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    assert_a_seed_repeats("graphst", cells, epochs=3, **SMALL)


def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path):
    settings = SMALL | {"epochs": 8, "self_loops": "after"}
    whole, resumed = interrupted("graphst", cells, tmp_path / "c.pt", 6, **settings)
    assert_same_bytes(whole, resumed)


def test_the_history_has_the_terms_of_each_epoch(cells):
    history = run(cells, epochs=3, weight_contrast=0.5).tables["history"]
    expected = 10 * history["reconstruction"] + 0.5 * history["contrast"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_labels_are_those_of_a_mixture_or_of_kmeans(cells):
    mixture, plain = (run(cells, epochs=5, labels=kind) for kind in ("mixture", "kmeans"))
    z = plain.embedding
    assert z.std(axis=0).max() == pytest.approx(1, rel=1e-5)
    assert np.array_equal(plain.labels, heads.kmeans(z, 3, 0))
    assert np.array_equal(mixture.labels, heads.tied_mixture(z, heads.ward(z, 3, 0)))


def test_synthetic_cells_train_but_get_no_labels(cells):
    result = run(oversampled(cells), epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400


def test_one_cluster_and_a_lone_cell_of_an_image_are_no_error(cells):
    images = np.array(["c", *cells.image[1:]], dtype=object)
    for loops in ("before", "after"):
        alone = run(replace(cells, image=images), n_clusters=1, epochs=2, self_loops=loops)
        assert not alone.labels.any()


def test_what_it_cannot_do_without_is_told(cells):
    with pytest.raises(UserError, match=r"method\.graphst: these cells have one feature"):
        run(cells_of(cells.matrix[:, :1]), epochs=1)
    with pytest.raises(UserError, match=r"the loss became .*; lower method\.graphst\.lr"):
        run(cells, lr=1e30, epochs=8)
    nowhere = replace(cells, coordinates=np.full_like(cells.coordinates, np.nan))
    with pytest.raises(UserError, match=r"needs the place of each cell, and 400 of 400 have none"):
        run(nowhere, graphs=graphs_for("graphst", cells), epochs=1)
