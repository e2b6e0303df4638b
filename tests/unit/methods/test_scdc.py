"""scDeepCluster: finds expression types, takes counts only where it says so, repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import expression_types, interrupted, oversampled, two_modalities
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.data.models import Model
from spclust.errors import UserError
from spclust.methods import running, scdc
from spclust.methods.task import Machine

QUICK = {"pretrain_epochs": 60, "epochs": 60}
SHORT = {"pretrain_epochs": 2, "epochs": 2}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("scdc", cells, seed, n_clusters, **QUICK | changes)


@pytest.fixture(scope="module")
def planted():
    return expression_types(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.fixture(scope="module")
def counts(cells):
    """Overdispersed counts of the same types, as a slice that was not normalised."""
    rng = np.random.default_rng(0)
    rate = np.exp(0.7 * cells.matrix + 1) * rng.gamma(4, 0.25, size=(len(cells), 1))
    return replace(cells, features={"protein": rng.poisson(rate).astype(np.float32)})


def test_it_finds_expression_types(planted):
    cells, reference = planted
    result = run(cells)
    assert adjusted_rand_score(reference, result.labels) > 0.95
    assert result.embedding.shape == (400, 32)
    assert (np.bincount(result.labels) == sorted(np.bincount(result.labels))[::-1]).all()


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, **SHORT) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize("stop", [4, 6, 8])
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, stop):
    settings = {"pretrain_epochs": 4, "epochs": 5, "tolerance": 0}
    whole, resumed = interrupted("scdc", cells, tmp_path / "c.pt", stop, **settings)
    assert resumed.embedding.tobytes() == whole.embedding.tobytes()
    assert resumed.confidence.tobytes() == whole.confidence.tobytes()
    assert resumed.labels.tobytes() == whole.labels.tobytes()
    assert resumed.tables["history"].equals(whole.tables["history"])


def test_a_training_that_was_done_but_not_written_goes_on_at_its_end(cells, tmp_path):
    machine = Machine("cpu", checkpoint=tmp_path / "c.pt", checkpoint_every=1)
    first, second = (run(cells, machine=machine, tolerance=0, **SHORT) for _ in range(2))
    assert first.embedding.tobytes() == second.embedding.tobytes()


def test_the_history_has_a_row_for_each_epoch(cells):
    history = run(cells, tolerance=0, pretrain_epochs=2, epochs=3).tables["history"]
    assert list(history["phase"]) == ["pretrain"] * 2 + ["train"] * 3
    assert list(history["epoch"]) == [1, 2, 1, 2, 3]
    assert history["loss"].notna().all()
    assert history["changed_labels"].isna().tolist() == [True, True, False, False, False]


def test_confidence_is_the_share_of_the_own_cluster(cells):
    confidence = run(cells, pretrain_epochs=5, epochs=2).confidence
    assert (confidence >= 1 / 3).all() and (confidence <= 1).all()


def test_where_cells_lie_and_in_which_image_does_not_matter(cells):
    moved = replace(cells, coordinates=cells.coordinates[::-1], image=cells.image[::-1])
    results = [run(c, **SHORT) for c in (cells, moved)]
    assert results[0].embedding.tobytes() == results[1].embedding.tobytes()


def test_synthetic_cells_train_but_get_no_labels(cells):
    result = run(oversampled(cells), **SHORT)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400
    assert result.embedding.tobytes() != run(cells, **SHORT).embedding.tobytes()


def test_the_clustering_stage_ends_when_labels_settle(cells, caplog):
    caplog.set_level("INFO")
    history = run(cells, tolerance=0.9, pretrain_epochs=1, epochs=50).tables["history"]
    assert "epoch 2: " in caplog.text and "few enough to stop" in caplog.text
    assert len(history) == 2
    run(cells, tolerance=0, pretrain_epochs=1, epochs=5)
    assert "all 5 epochs of the clustering stage are done" in caplog.text


@pytest.mark.parametrize("n_clusters", [3, 12])
@pytest.mark.parametrize("likelihood", ["gaussian", "zinb"])
def test_a_stored_model_labels_its_own_cells_alike(counts, tmp_path, likelihood, n_clusters):
    both = oversampled(counts) if likelihood == "gaussian" else counts
    result = run(both, n_clusters=n_clusters, likelihood=likelihood, **SHORT)
    result.model.save(tmp_path / "model")
    again = running.predict(Model.load(tmp_path / "model"), counts, machine=Machine("cpu"))
    assert np.array_equal(again.labels, result.labels)
    np.testing.assert_allclose(again.confidence, result.confidence, rtol=1e-4)
    np.testing.assert_allclose(again.embedding, result.embedding, rtol=1e-3, atol=1e-4)


def test_a_cell_is_labelled_the_same_whatever_comes_with_it(planted, counts):
    for likelihood in ("gaussian", "zinb"):
        model = run(counts, likelihood=likelihood, **SHORT).model
        few = counts.take(np.arange(0, 400, 9))
        whole, part = (running.predict(model, c, machine=Machine("cpu")) for c in (counts, few))
        assert np.array_equal(part.labels, whole.labels[::9])


def test_counts_can_be_modelled_as_such(planted, counts):
    result = run(counts, likelihood="zinb")
    assert adjusted_rand_score(planted[1], result.labels) > 0.75


def test_size_factors_take_sequencing_depth_out_of_the_inputs():
    counts = np.random.default_rng(0).poisson(20, size=(50, 6)).astype(np.float32)
    inputs, size = scdc.inputs_of(counts, scdc.constants_of(counts))
    assert size.shape == (50, 1) and np.median(size) == pytest.approx(1)
    np.testing.assert_allclose(inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(0), 1, atol=1e-4)
    # a cell measured four times as deep looks the same to the encoder
    deep = counts * np.where(np.arange(50) % 2, 4, 1)[:, None].astype(np.float32)
    again, deep_size = scdc.inputs_of(deep, scdc.constants_of(deep))
    assert deep_size[1] / deep_size[0] == pytest.approx(4 * size[1, 0] / size[0, 0], rel=1e-5)
    assert np.corrcoef(inputs.ravel(), again.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("value", [-1.0, 0.5])
def test_zinb_refuses_what_is_no_count(counts, value):
    x = counts.matrix.copy()
    x[7, 2] = value
    with pytest.raises(
        UserError,
        match=rf"method\.scdc\.likelihood: zinb is for counts.*cell 'cell_7', feature 'p2' is "
        rf"{value:g}; set likelihood: gaussian, or.*normalisation: none, scale: false, clip: null",
    ):
        run(replace(counts, features={"protein": x}), likelihood="zinb")


def test_zinb_refuses_prepared_intensities_by_default_settings(cells):
    with pytest.raises(UserError, match="zinb is for counts"):
        run(cells, likelihood="zinb")


def test_zinb_refuses_several_modalities(counts):
    with pytest.raises(
        UserError,
        match=r"method\.scdc\.likelihood: zinb is for the counts of one modality, and these cells "
        "have rna, adt; set likelihood: gaussian, or",
    ):
        run(two_modalities(counts), likelihood="zinb")


def test_one_cluster_and_one_layer_are_no_error(cells):
    result = run(cells, n_clusters=1, pretrain_epochs=1, epochs=2, hidden_dims=[4])
    assert not result.labels.any() and (result.confidence == 1).all()


def test_a_rate_that_blows_up_is_told(cells):
    with pytest.raises(
        UserError,
        match=r"the loss became .*; lower method\.scdc\.pretrain_lr or method\.scdc\.lr",
    ):
        run(cells, pretrain_lr=1e20)


def test_cells_embed_the_same_in_parts(cells, monkeypatch):
    torch.manual_seed(0)
    encoder = scdc.DenoisingAutoencoder(12, [8, 4], 1.0, "gaussian").encoder
    x, centres = torch.from_numpy(cells.matrix), torch.randn(3, 4)
    whole = scdc.embed(encoder, x), scdc.soft_labels(encoder(x), centres)
    monkeypatch.setattr(scdc, "INFERENCE_CELLS", 37)
    parts = scdc.embed(encoder, x), scdc.soft_labels(encoder(x), centres)
    torch.testing.assert_close(whole, parts)
