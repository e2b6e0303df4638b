"""scDeepCluster: finds expression types, takes counts only where it says so, repeats."""

import numpy as np
import pytest
import torch
from planted import METHODS, expression_types, oversampled
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.methods import scdc

QUICK = {"pretrain_epochs": 60, "epochs": 60}


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, METHODS["scdc"] | QUICK | changes)


@pytest.fixture(scope="module")
def cells():
    return expression_types(0)


def counts_like(cells):
    """Overdispersed counts of the same types, as X of a slice that was not normalised."""
    rng = np.random.default_rng(0)
    rate = np.exp(0.7 * cells.X + 1) * rng.gamma(4, 0.25, size=(cells.n_obs, 1))
    drawn = cells.copy()
    drawn.X = rng.poisson(rate).astype(np.float32)
    return drawn


def ari(cells, result):
    return adjusted_rand_score(cells.obs["label"], result.labels)


def test_it_finds_expression_types(cells):
    result = run(cells)
    assert ari(cells, result) > 0.95
    assert result.embedding.shape == (400, 32) and not result.tables and result.model is None
    assert (np.bincount(result.labels) == sorted(np.bincount(result.labels))[::-1]).all()


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, pretrain_epochs=2, epochs=2) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_confidence_is_the_share_of_the_own_cluster(cells):
    confidence = run(cells, pretrain_epochs=5, epochs=2).confidence
    assert (confidence >= 1 / 3).all() and (confidence <= 1).all()


def test_where_cells_lie_and_in_which_image_does_not_matter(cells):
    moved = cells.copy()
    moved.obsm["spatial"] = cells.obsm["spatial"][::-1].copy()
    moved.obs["image"] = cells.obs["image"].to_numpy()[::-1]
    results = [run(c, pretrain_epochs=2, epochs=2) for c in (cells, moved)]
    assert results[0].embedding.tobytes() == results[1].embedding.tobytes()


def test_synthetic_cells_train_but_get_no_labels(cells):
    both = oversampled(cells)
    result = run(both, pretrain_epochs=2, epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400
    alone = run(cells, pretrain_epochs=2, epochs=2)
    assert result.embedding.tobytes() != alone.embedding.tobytes()


def test_the_clustering_stage_ends_when_labels_settle(cells, caplog):
    with caplog.at_level("INFO"):
        run(cells, tolerance=0.9, pretrain_epochs=1, epochs=50)
    assert "clustering stage left in epoch 2," in caplog.text
    with caplog.at_level("INFO"):
        run(cells, tolerance=0, pretrain_epochs=1, epochs=5)
    assert "clustering stage left in epoch 5," in caplog.text


def test_counts_can_be_modelled_as_such(cells):
    counts = counts_like(cells)
    assert ari(counts, run(counts, likelihood="zinb")) > 0.75


def test_size_factors_take_sequencing_depth_out_of_the_inputs():
    counts = np.random.default_rng(0).poisson(20, size=(50, 6)).astype(np.float32)
    inputs, targets, size = scdc.inputs_and_targets(counts, "zinb")
    assert targets is counts and np.median(size) == pytest.approx(1)
    np.testing.assert_allclose(inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(0), 1, atol=1e-4)
    # a cell measured four times as deep looks the same to the encoder
    deep = counts * np.where(np.arange(50) % 2, 4, 1)[:, None].astype(np.float32)
    again, _, deep_size = scdc.inputs_and_targets(deep, "zinb")
    assert deep_size[1] / deep_size[0] == pytest.approx(4 * size[1, 0] / size[0, 0], rel=1e-5)
    assert np.corrcoef(inputs.ravel(), again.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("value", [-1.0, 0.5])
def test_zinb_refuses_what_is_no_count(cells, value):
    counts = counts_like(cells)
    counts.X[7, 2] = value
    with pytest.raises(
        UserError,
        match=rf"likelihood: zinb is for counts.*cell 8, protein 3 is {value:g}; set likelihood: "
        "gaussian, or.*normalisation: none, scale: false, clip: null",
    ):
        run(counts, likelihood="zinb")


def test_zinb_refuses_prepared_intensities_by_default_settings(cells):
    with pytest.raises(UserError, match="zinb is for counts"):
        run(cells, likelihood="zinb")


def test_one_cluster_and_one_layer_are_no_error(cells):
    result = run(cells, n_clusters=1, pretrain_epochs=1, epochs=2, hidden_dims=[4])
    assert not result.labels.any() and (result.confidence == 1).all()


def test_a_rate_that_blows_up_is_told(cells):
    with pytest.raises(UserError, match=r"the loss became .*; lower methods\.<name>\.pretrain_lr"):
        run(cells, pretrain_lr=1e20)


def test_cells_embed_the_same_in_parts(cells, monkeypatch):
    torch.manual_seed(0)
    model = scdc.DenoisingAutoencoder(12, [8, 4], 1.0, "gaussian")
    x, centres = torch.from_numpy(cells.X), torch.randn(3, 4)
    whole = scdc.embed(model, x), scdc.soft_labels(model.encode(x), centres)
    monkeypatch.setattr(scdc, "INFERENCE_CELLS", 37)
    parts = scdc.embed(model, x), scdc.soft_labels(model.encode(x), centres)
    torch.testing.assert_close(whole, parts)
