"""Other cells put through what some were prepared by."""

import logging

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from measured import DEFAULTS, METHODS, counts, few, imported, named, two_batches

from spclust.data.cell_files import read_cells, write_cells
from spclust.data.models import Model
from spclust.errors import UserError
from spclust.stages.preprocess.preparation import apply, prepare


def cohort():
    code = np.arange(80) % 4
    return np.array(list("abcd"))[code], np.array(["s", "t"])[code // 2]


@pytest.mark.parametrize("changes", METHODS)
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_the_same_cells_come_out_the_same(changes, kind):
    x = counts()
    x[:, 5] = 4  # constant
    if changes.get("normalisation") == "none":
        x = np.log1p(x)
    image, slices = cohort()
    data = imported(image, slices, protein=kind(x))
    cells = prepare(data, DEFAULTS | changes)
    again, missing = apply(data, cells.preprocessing, cells.names)
    np.testing.assert_array_equal(again.features["protein"], cells.features["protein"])
    assert missing == {"protein": []}
    assert list(again.names["protein"]) == list(cells.names["protein"])
    assert list(again.slice) == list(cells.slice) and again.preprocessing is cells.preprocessing


def test_the_same_cells_come_out_the_same_of_several_modalities():
    data = imported(rna=counts(1, d=60), adt=counts(2, d=8))
    cells = prepare(data, DEFAULTS)
    assert cells.names["rna"][0] == "PC1"
    again, _ = apply(data, cells.preprocessing, cells.names)
    np.testing.assert_array_equal(again.matrix, cells.matrix)


@pytest.mark.parametrize("changes", METHODS)
def test_constants_survive_the_file_and_the_stored_model(changes, tmp_path):
    x = np.log1p(counts()) if changes.get("normalisation") == "none" else counts()
    data = imported(*cohort(), protein=x)
    cells = prepare(data, DEFAULTS | changes)
    write_cells(cells, tmp_path / "cells.h5mu")
    read = read_cells(tmp_path / "cells.h5mu", "prepared")
    assert read.preprocessing["protein"]["settings"] == cells.preprocessing["protein"]["settings"]
    labels = np.arange(len(cells)) % 2
    Model.of("spclust", {}, read, labels, 2, None, {"w": np.ones(1)}).save(tmp_path / "model")
    model = Model.load(tmp_path / "model")
    for preprocessing, names in [
        (read.preprocessing, read.names),
        (model.preprocessing, model.features),
    ]:
        again, _ = apply(data, preprocessing, names)
        np.testing.assert_array_equal(again.features["protein"], cells.features["protein"])


def test_other_cells_are_scaled_by_the_models_means_unless_within_their_slice(raw):
    cells = prepare(imported(protein=raw), DEFAULTS | {"normalisation": "none"})
    other = imported(protein=2 * raw[:20] + 1)
    result = apply(other, cells.preprocessing, cells.names)[0].features["protein"]
    expected = (2 * raw[:20] + 1 - raw.mean(0)) / raw.std(0, ddof=1)
    np.testing.assert_allclose(result, np.clip(expected, -10, 10), rtol=1e-3, atol=1e-3)
    changes = {"normalisation": "none", "scale_within": "slice"}
    cells = prepare(imported(protein=raw), DEFAULTS | changes)
    result = apply(other, cells.preprocessing, cells.names)[0].features["protein"]
    expected = (raw[:20] - raw[:20].mean(0)) / raw[:20].std(0, ddof=1)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-3)


@few
@given(st.permutations(list(range(5))), st.lists(st.booleans(), min_size=5, max_size=5))
def test_features_are_matched_by_name_without_case_whatever_their_order(order, upper):
    raw = np.random.default_rng(0).lognormal(2, 1, size=(30, 5)).astype(np.float32)
    data = imported(protein=raw)
    cells = prepare(data, DEFAULTS)
    names = [f"P{j}" if upper[j] else f"p{j}" for j in order]
    other, missing = apply(
        named(imported(protein=raw[:, order]), names), cells.preprocessing, cells.names
    )
    np.testing.assert_allclose(other.features["protein"], cells.features["protein"], atol=1e-5)
    assert missing == {"protein": []} and list(other.names["protein"]) == [
        f"p{j}" for j in range(5)
    ]


def test_the_exact_name_goes_before_the_one_without_case(raw):
    cells = prepare(named(imported(protein=raw[:, :3]), ["cd3", "CD3", "CD8"]), DEFAULTS)
    other = named(imported(protein=raw[:, [1, 0, 2]]), ["CD3", "cd3", "Cd8"])
    result, missing = apply(other, cells.preprocessing, cells.names)
    np.testing.assert_array_equal(result.features["protein"], cells.features["protein"])
    # one column cannot stand for two
    other = named(imported(protein=raw[:, [1, 2]]), ["CD3", "CD8"])
    assert apply(other, cells.preprocessing, cells.names)[1] == {"protein": ["cd3"]}


@pytest.mark.parametrize(
    "changes", [{}, {"normalisation": "clr"}, {"scale": False}, {"scale_within": "slice"}]
)
def test_missing_features_are_at_their_mean_and_extra_ones_ignored(changes, caplog):
    caplog.set_level(logging.INFO)
    x = counts()
    cells = prepare(imported(protein=x), DEFAULTS | changes)
    keep = [j for j in range(12) if j not in (2, 7)]
    other = np.hstack([x[:, keep], 50 * x[:, :1]])
    data = named(imported(protein=other), [*(f"p{j}" for j in keep), "background"])
    result, missing = apply(data, cells.preprocessing, cells.names)
    assert missing == {"protein": ["p2", "p7"]}
    lost = result.features["protein"][:, [2, 7]]
    mean = cells.features["protein"][:, [2, 7]].mean(0) if changes == {"scale": False} else 0
    np.testing.assert_allclose(lost, np.broadcast_to(mean, lost.shape), atol=1e-5)
    assert "2 of 12 features are missing and set to their mean: p2, p7" in caplog.text
    assert "1 features unknown to the model are ignored" in caplog.text


@pytest.mark.parametrize(
    "normalisation", ["total", "clr", "total_median", "total_arcsinh", "share_arcsinh"]
)
def test_what_is_missing_does_not_shift_the_others(normalisation):
    x = counts(n=300, d=12, mean=20)
    x[:, 4] = np.random.default_rng(5).poisson(2 * x.sum(1))  # two thirds of every cell
    cells = prepare(imported(protein=x), DEFAULTS | {"normalisation": normalisation})
    keep = [j for j in range(12) if j != 4]
    other = named(imported(protein=x[:, keep]), [f"p{j}" for j in keep])
    result = apply(other, cells.preprocessing, cells.names)[0].features["protein"][:, keep]
    shift = (result - cells.features["protein"][:, keep]).mean(0)
    assert np.abs(shift).max() < 0.1


def test_genes_that_were_not_kept_count_for_the_sum_but_are_not_missed(raw):
    x = counts(d=30)
    cells = prepare(imported(protein=sp.csr_matrix(x)), DEFAULTS | {"highly_variable": 8})
    kept = [int(name[1:]) for name in cells.names["protein"]]
    other = named(imported(protein=x[:, kept]), list(cells.names["protein"]))
    result, missing = apply(other, cells.preprocessing, cells.names)
    assert missing == {"protein": []} and result.features["protein"].shape == (80, len(kept))


def test_a_slice_that_lacks_most_features_or_a_modality_is_refused(raw):
    cells = prepare(imported(protein=raw), DEFAULTS)
    apply(imported(protein=raw[:, :3]), cells.preprocessing, cells.names)
    with pytest.raises(UserError, match="lack 3 of 5 protein features.*p2, p3, p4.*same panel"):
        apply(imported(protein=raw[:, :2]), cells.preprocessing, cells.names)
    with pytest.raises(UserError, match=r"trained on the modality 'protein'.*\(they have adt\)"):
        apply(imported(adt=raw), cells.preprocessing, cells.names)


def test_an_extra_modality_is_ignored_and_said(raw, caplog):
    caplog.set_level(logging.INFO)
    cells = prepare(imported(protein=raw), DEFAULTS)
    result, _ = apply(imported(protein=raw, rna=raw), cells.preprocessing, cells.names)
    assert list(result.features) == ["protein"]
    assert "does not know the modalities rna" in caplog.text


def test_values_of_other_cells_are_checked_too(raw):
    cells = prepare(imported(protein=raw), DEFAULTS)
    raw[3, 1] = -4
    other = named(imported(protein=raw[:, ::-1]), [f"p{j}" for j in range(4, -1, -1)])
    with pytest.raises(UserError, match="cell 'c3', protein 'p1': the value -4"):
        apply(other, cells.preprocessing, cells.names)


def test_a_correction_of_batches_cannot_be_applied_and_one_warning_says_so(caplog):
    x, batch, _ = two_batches()
    changes = {"normalisation": "none", "batch_correction": "combat", "modalities": {}}
    data = imported(np.array(["a", "b"])[batch], adt=x, protein=x)
    cells = prepare(data, DEFAULTS | changes)
    caplog.clear()
    apply(data, cells.preprocessing, cells.names)
    warnings = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1 and "corrected between batches (combat)" in caplog.text
    # one batch was never corrected
    cells = prepare(imported(protein=x), DEFAULTS | changes)
    caplog.clear()
    apply(imported(protein=x), cells.preprocessing, cells.names)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
