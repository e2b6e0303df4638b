"""Scaling within groups, and batches corrected between them."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import counts, few, protein, two_batches

from spclust.errors import UserError


@pytest.mark.parametrize("within,n_groups", [("cohort", 1), ("slice", 2), ("image", 4)])
def test_means_and_deviations_are_those_of_each_group(within, n_groups):
    rng = np.random.default_rng(0)
    code = rng.integers(4, size=200)
    x = rng.lognormal(size=(200, 3)) * (1 + code)[:, None] + 5 * code[:, None]
    images, slices = np.array(list("abcd"))[code], np.array(["s", "t"])[code // 2]
    changes = {"normalisation": "none", "scale_within": within, "clip": None}
    result = protein(x, changes, image=images, slices=slices)
    groups = {"cohort": 0 * code, "slice": code // 2, "image": code}[within]
    assert groups.max() + 1 == n_groups
    for group in range(n_groups):
        block = x[groups == group]
        expected = (block - block.mean(0)) / block.std(0, ddof=1)
        np.testing.assert_allclose(result[groups == group], expected, rtol=1e-3, atol=1e-3)


def test_scaling_within_takes_a_difference_of_staining_out():
    x = counts(n=200)
    images = np.array(["a", "b"])[np.arange(200) % 2]
    stained = x.copy()
    stained[images == "b", 3] *= 5
    changes = {"normalisation": "none", "scale_within": "image"}
    np.testing.assert_allclose(
        protein(stained, changes, image=images), protein(x, changes, image=images), atol=1e-4
    )


def test_a_feature_constant_in_one_image_is_zero_there_only(raw, caplog):
    images = np.array(["a", "b"])[np.arange(60) % 2]
    raw[images == "a", 2] = 7
    changes = {"normalisation": "none", "scale_within": "image"}
    result = protein(raw, changes, image=images)
    assert (result[images == "a", 2] == 0).all() and result[images == "b", 2].std() > 0.9
    assert "in 1 of 2 images some features are the same" in caplog.text


@few
@given(st.lists(st.integers(0, 5), min_size=12, max_size=12))
def test_groups_of_any_size_give_finite_values(codes):
    images = np.array(list("abcdef"))[codes]
    images[:4] = "z"  # some group varies
    changes = {"scale_within": "image", "zero_center": False}
    result = protein(counts(n=12), changes, image=images)
    assert np.isfinite(result).all()
    alone = [image for image in images if (images == image).sum() == 1]
    assert (result[np.isin(images, alone)] == 0).all()


def test_images_of_one_cell_each_leave_nothing():
    with pytest.raises(UserError, match="12 cells of each image.*scale_within: cohort"):
        protein(counts(n=12), {"scale_within": "image"}, image=[f"i{i}" for i in range(12)])


# --- batch correction --------------------------------------------------------------------------


def gap(x, batch, truth):
    """Mean distance between the batches' centres of one cell type."""
    centres = [[x[(truth == t) & (batch == b)].mean(0) for t in range(3)] for b in range(2)]
    return np.linalg.norm(np.subtract(*centres), axis=1).mean()


@pytest.mark.parametrize("unit", ["image", "slice"])
@pytest.mark.parametrize("method", ["combat", "harmony"])
@pytest.mark.parametrize("pca_components", [None, 4])
def test_batches_come_together_and_types_stay_apart(unit, method, pca_components, caplog):
    caplog.set_level(logging.INFO)
    x, batch, truth = two_batches()
    names = np.array(["a", "b"])[batch]
    # in a cohort the slices are the batches, whatever images they have
    groups = {"image": {"image": names}, "slice": {"slices": names}}[unit]
    changes = {"normalisation": "none", "pca_components": pca_components}
    before = protein(x, changes, **groups)
    after = protein(x, {**changes, "batch_correction": method}, **groups)
    assert gap(after, batch, truth) < 0.25 * gap(before, batch, truth)
    centres = np.array([after[truth == t].mean(0) for t in range(3)])
    assert min(np.linalg.norm(centres[i] - centres[i - 1]) for i in range(3)) > 1.5
    again = protein(x, {**changes, "batch_correction": method}, **groups)
    np.testing.assert_array_equal(after, again)
    assert after.dtype == np.float32
    assert f"{method} between 2 {unit}s" in caplog.text


@pytest.mark.parametrize("method", ["combat", "harmony"])
def test_one_batch_is_left_as_it_is_and_said_so(raw, method, caplog):
    np.testing.assert_array_equal(protein(raw, {"batch_correction": method}), protein(raw))
    assert "one image only, nothing to correct" in caplog.text


def test_combat_takes_features_that_some_batch_lacks():
    x, batch, _ = two_batches()
    x[batch == 0, 2] = 0
    x[:, 3] = batch
    changes = {"normalisation": "none", "batch_correction": "combat"}
    result = protein(x, changes, image=np.array(["a", "b"])[batch])
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result[:, 3], 0, atol=1e-6)


def test_combat_refuses_what_it_cannot_estimate():
    x, batch, _ = two_batches()
    images = np.array(["a", "b"])[batch].astype(object)
    changes = {"normalisation": "none", "batch_correction": "combat"}
    with pytest.raises(UserError, match="borrow from feature to feature.*harmony or none"):
        protein(x[:, :1], changes, image=images)
    images[7] = "lone"
    with pytest.raises(UserError, match="image 'lone' has one cell.*batch_correction: harmony"):
        protein(x, changes, image=images)


def test_harmony_takes_few_cells_and_lone_ones():
    x, batch, _ = two_batches(n=12)
    images = np.array(["a", "b"])[batch].astype(object)
    images[3] = "lone"
    changes = {"normalisation": "none", "batch_correction": "harmony"}
    # as many features as cells: which way round must not be guessed
    result = protein(np.hstack([x, x]), changes, image=images)
    assert result.shape == (12, 12) and np.isfinite(result).all()


# --- other cells through the same --------------------------------------------------------------
