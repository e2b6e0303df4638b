"""Spotscape: brings shifted slices together, repeats, resumes, its terms by definition."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import (
    assert_same_bytes,
    cells_of,
    graphs_for,
    interrupted,
    shifted_slices,
    spatial_domains,
)
from planted import run as run_any
from references import numeric_gradient
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import spotscape
from spclust.nn import prototype_contrast

SMALL = {"hidden_dims": [32, 16], "lr": 0.01}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("spotscape", cells, seed, n_clusters, **SMALL | changes)


def kmeans(cells):
    return KMeans(3, n_init=10, random_state=0).fit_predict(cells.matrix)


@pytest.fixture(scope="module")
def planted():
    return shifted_slices(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_brings_shifted_slices_together(planted):
    cells, reference = planted
    result = run(cells, epochs=50)
    assert adjusted_rand_score(cells.slice, kmeans(cells)) > 0.9
    assert adjusted_rand_score(reference, kmeans(cells)) < 0.1
    assert adjusted_rand_score(reference, result.labels) > 0.7
    # what does it: without the terms between slices they stay apart
    apart = run(cells, epochs=30, weight_scale=0.0, weight_prototypes=0.0)
    assert adjusted_rand_score(cells.slice, apart.labels) > 0.9


def test_it_finds_domains_of_one_slice():
    cells, reference = spatial_domains(0, n=400)
    result = run(cells, epochs=40)
    score = adjusted_rand_score(reference, result.labels)
    assert score > adjusted_rand_score(reference, kmeans(cells)) + 0.3
    history = result.tables["history"]
    assert list(history) == ["phase", "epoch", "loss", "telescope", "reconstruction"]


@pytest.mark.parametrize("literal", [False, True])
def test_a_seed_repeats_to_the_byte_and_another_differs(cells, literal):
    changes = {"epochs": 4, "anchors": 40, "literal": literal}
    first, second, other = (run(cells, seed, **changes) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize("changes", [{}, {"batch_cells": 100}, {"literal": True}])
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, changes):
    # it goes on where prototypes have joined
    settings = SMALL | {"epochs": 8, "warm_up": 0.25, "anchors": 50} | changes
    whole, resumed = interrupted("spotscape", cells, tmp_path / "c.pt", 6, **settings)
    assert_same_bytes(whole, resumed)


def test_the_history_has_the_terms_and_prototypes_join_after_the_warm_up(cells):
    history = run(cells, epochs=8, warm_up=0.5).tables["history"]
    assert list(history["prototypes"].isna()) == [True] * 4 + [False] * 4
    expected = history["telescope"] + 0.1 * history["reconstruction"] + history["scale"]
    expected += 0.01 * history["prototypes"].fillna(0)
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_more_anchors_than_cells_are_all_of_them(cells):
    whole, capped = (run(cells, epochs=2, anchors=a) for a in (None, 360))
    assert whole.embedding.tobytes() == capped.embedding.tobytes()
    assert whole.embedding.tobytes() != run(cells, epochs=2, anchors=40).embedding.tobytes()


def test_batches_bring_slices_together_too(planted):
    cells, reference = planted
    spread = replace(cells, coordinates=cells.coordinates * 5)
    result = run(spread, epochs=60, batch_cells=250)
    assert result.embedding.shape == (360, 16)
    assert adjusted_rand_score(reference, result.labels) > 0.7


def test_the_authors_code_and_their_paper_differ_as_said(cells):
    history, literal = (run(cells, epochs=1, literal=b).tables["history"] for b in (False, True))
    ratio = history["reconstruction"] / literal["reconstruction"]
    assert ratio[0] == pytest.approx(2, rel=1e-5)
    assert literal["scale"][0] != history["scale"][0]
    assert literal["telescope"][0] == history["telescope"][0]


def test_the_final_embedding_has_statistics_of_its_own():
    torch.manual_seed(0)
    model, ours = (spotscape.Model(6, [4], literal) for literal in (True, False))
    ours.load_state_dict(model.state_dict(), strict=False)
    before = {name: value.clone() for name, value in model.named_buffers()}
    assert not dict(ours.named_buffers()) and before
    # the authors' momentum leaves a hundredth of what was before
    model.norms[0](torch.full((5, 4), 3.0))
    torch.testing.assert_close(model.norms[0].running_mean, torch.full((4,), 2.97))


def test_prototypes_contrast_by_definition_at_each_granularity():
    assert prototype_contrast.numbers_of_prototypes(7, [1, 1.5, 2]) == [7, 11, 14]
    assert prototype_contrast.numbers_of_prototypes(1, [1, 1.5, 2]) == [1, 2, 3]
    rng, arrays, tau = np.random.default_rng(0), {}, 0.75
    z1 = torch.tensor(rng.normal(size=(60, 4)), requires_grad=True)
    z2 = torch.tensor(rng.normal(size=(60, 4)), requires_grad=True)
    found = prototype_contrast.contrast_at_granularities(z1, z2, arrays, [3, 5], tau, 0)
    found.backward()
    assert z2.grad is None and set(arrays) == {"centres_3", "centres_5"}

    def dense(a):
        terms = []
        for k in (3, 5):
            centres = arrays[f"centres_{k}"].astype(float)
            gaps = ((z2.detach().numpy()[:, None] - centres) ** 2).sum(-1)
            norms = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(centres, axis=1)
            e = np.exp(a @ centres.T / norms / tau)
            terms.append(-np.log(e[np.arange(60), gaps.argmin(1)] / e.sum(1)).mean())
        return np.mean(terms)

    a = z1.detach().numpy()
    assert found.item() == pytest.approx(dense(a), rel=1e-6)
    np.testing.assert_allclose(z1.grad.numpy(), numeric_gradient(dense, a), rtol=1e-4, atol=1e-7)
    # KMeans goes on from the centres of before
    before = dict(arrays)
    ((_, labels),) = prototype_contrast.clusterings(z2 + 0.01, arrays, [3], 0)
    np.testing.assert_allclose(arrays["centres_3"], before["centres_3"] + 0.01, atol=0.3)
    assert (before["centres_5"] == arrays["centres_5"]).all() and set(labels.tolist()) == {0, 1, 2}


def test_no_step_of_the_network_mixes_images(cells):
    inside = cells.image == "b"
    graph = graphs_for("spotscape", cells)["spatial"].tocoo()
    assert (inside[graph.row] == inside[graph.col]).all()


def test_what_it_cannot_do_without_is_told(cells):
    with pytest.raises(UserError, match=r"method\.spotscape: these cells have one feature, 'p0'"):
        run(cells_of(cells.matrix[:, :1]), epochs=1)
    nowhere = cells.coordinates.copy()
    nowhere[5:] = np.nan
    with pytest.raises(
        UserError, match=r"place of each cell, and 355 of 360 have none, .* 'cell_5'"
    ):
        run(replace(cells, coordinates=nowhere), graphs=graphs_for("spotscape", cells), epochs=1)
    with pytest.raises(UserError, match=r"spatial_graph: the method needs the spatial graph"):
        graphs = graphs_for("spotscape", cells, expression_space="raw", spatial_graph="none")
        run(cells, graphs=graphs, epochs=1)
    with pytest.raises(UserError, match=r"the loss became .*; lower method\.spotscape\.lr"):
        run(cells, lr=1e30, epochs=8)


def test_one_cluster_and_a_single_layer_are_no_error(cells):
    result = run(cells, n_clusters=1, hidden_dims=[4], epochs=2)
    assert not result.labels.any() and result.embedding.shape == (360, 4)
