"""STAGATE: finds domains, its tied attention by definition, repeats and resumes."""

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
from spclust.methods.stagate.tied_autoencoder import TiedAttentionAutoencoder
from spclust.neighbours.knn import with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods

SMALL = {"hidden_dims": [32, 8]}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("stagate", cells, seed, n_clusters, **SMALL | changes)


@pytest.fixture(scope="module")
def planted():
    return spatial_domains(0, n=400)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_finds_domains_that_features_alone_do_not_show(planted):
    cells, reference = planted
    result = run(cells, epochs=60)
    alone = KMeans(3, n_init=10, random_state=0).fit_predict(cells.matrix)
    assert adjusted_rand_score(reference, alone) < 0.3
    assert adjusted_rand_score(reference, result.labels) > 0.6
    assert result.embedding.shape == (400, 8) and result.model is None


def dense(model, x, adjacency, copied):
    """The autoencoder with an n x n matrix of attention; ``copied`` are the decoder's weights."""
    hidden = x @ model.first
    to_source, to_target = (hidden @ model.attention).t()
    scores = torch.sigmoid(to_target[:, None] + to_source[None])
    shares = scores.masked_fill(~adjacency, -torch.inf).softmax(1)
    z = torch.nn.functional.elu(shares @ hidden) @ model.second
    first, second = copied
    return z, torch.nn.functional.elu(shares @ (z @ second.t())) @ first.t(), shares


@pytest.mark.parametrize("tied", [True, False])
def test_value_and_gradient_equal_the_dense_form(cells, tied):
    part = cells.take(slice(60))
    graph = with_self_loops(graphs_for("stagate", part)["spatial"])
    torch.manual_seed(0)
    model = TiedAttentionAutoencoder(12, 7, 3, tied).double()
    x, adjacency = torch.tensor(part.matrix).double(), torch.tensor(graph.toarray() > 0)
    weights = list(model.parameters())
    copied = [w if tied else w.detach().clone() for w in (model.first, model.second)]
    z, expected, shares = dense(model, x, adjacency, copied)
    loss = (expected - x).square().mean()
    expected_gradients = torch.autograd.grad(loss, weights)
    found_z, found = model(x, Neighbourhoods.from_scipy(graph))
    torch.testing.assert_close(found_z, z)
    torch.testing.assert_close(found, expected)
    gradients = torch.autograd.grad((found - x).square().mean(), weights)
    for ours, reference in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, reference)
    # no neighbour weighs more than e times another
    of_cell = shares[0][adjacency[0]]
    assert of_cell.max() / of_cell.min() < np.e and of_cell.sum().item() == pytest.approx(1)


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    assert_a_seed_repeats("stagate", cells, epochs=3, **SMALL)


def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path):
    whole, resumed = interrupted("stagate", cells, tmp_path / "c.pt", 6, epochs=8, **SMALL)
    assert_same_bytes(whole, resumed)


def test_copied_weights_learn_otherwise_than_tied_ones(cells):
    tied, copied = (run(cells, epochs=3, literal=b) for b in (False, True))
    assert tied.tables["history"]["loss"][0] == copied.tables["history"]["loss"][0]
    assert tied.embedding.tobytes() != copied.embedding.tobytes()


def test_a_long_gradient_is_cut(cells):
    loose, cut = (run(cells, epochs=3, longest_gradient=v) for v in (1e6, 1e-3))
    assert loose.tables["history"]["loss"][0] == cut.tables["history"]["loss"][0]
    assert loose.embedding.tobytes() != cut.embedding.tobytes()


def test_labels_are_those_of_a_mixture_or_of_kmeans(cells):
    mixture, plain = (run(cells, epochs=20, labels=kind) for kind in ("mixture", "kmeans"))
    z = plain.embedding
    assert z.tobytes() == mixture.embedding.tobytes()
    x = z / z.std(axis=0).max()
    assert np.array_equal(plain.labels, heads.kmeans(x, 3, 0))
    assert np.array_equal(mixture.labels, heads.tied_mixture(x, heads.ward(x, 3, 0)))


def test_synthetic_cells_train_but_get_no_labels(cells):
    result = run(oversampled(cells), epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400


def test_one_cluster_and_a_lone_cell_of_an_image_are_no_error(cells):
    images = np.array(["c", *cells.image[1:]], dtype=object)
    assert not run(replace(cells, image=images), n_clusters=1, epochs=2).labels.any()


def test_what_it_cannot_do_without_is_told(cells):
    with pytest.raises(UserError, match=r"method\.stagate: these cells have one feature"):
        run(cells_of(cells.matrix[:, :1]), epochs=1)
    with pytest.raises(UserError, match=r"the loss became .*; lower method\.stagate\.lr"):
        run(cells, lr=1e30, epochs=8)
    nowhere = replace(cells, coordinates=np.full_like(cells.coordinates, np.nan))
    with pytest.raises(UserError, match=r"needs the place of each cell, and 400 of 400 have none"):
        run(nowhere, graphs=graphs_for("stagate", cells), epochs=1)
