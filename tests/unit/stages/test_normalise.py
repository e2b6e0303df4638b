"""Normalisation: the formulas, what they refuse, and what they say."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from measured import DEFAULTS, LIBRARY, METHODS, counts, few, imported, protein

from spclust.data.cell_files import dense
from spclust.errors import UserError
from spclust.stages.preprocess.preparation import apply, prepare


def test_total_follows_the_paper(raw):
    cells = prepare(imported(protein=raw), DEFAULTS)
    expected = np.log1p(raw / raw.sum(1, keepdims=True))
    expected = (expected - expected.mean(0)) / expected.std(0, ddof=1)
    result = cells.features["protein"]
    np.testing.assert_allclose(result, np.minimum(expected, 10), rtol=1e-3, atol=1e-4)
    assert result.dtype == np.float32 and result.flags.c_contiguous
    assert list(cells.names["protein"]) == ["p0", "p1", "p2", "p3", "p4"]
    kept = {k: v for k, v in DEFAULTS.items() if k != "modalities"}
    assert cells.preprocessing["protein"]["settings"] == kept


def test_places_and_groups_of_cells_are_kept(raw):
    images = np.array(["a", "b"])[np.arange(60) % 2]
    data = imported(images, "s", protein=raw)
    cells = prepare(data, DEFAULTS)
    np.testing.assert_array_equal(cells.coordinates, data.obsm["spatial"])
    assert list(cells.ids[:2]) == ["c0", "c1"] and list(cells.image) == list(images)
    assert set(cells.slice) == {"s"} and cells.pseudolabels is None


def test_arcsinh_divides_by_the_cofactor(raw):
    result = protein(raw, {"normalisation": "arcsinh", "cofactor": 2.0, "scale": False})
    np.testing.assert_allclose(result, np.arcsinh(raw / 2), rtol=1e-5)


def test_none_takes_values_as_they_are_even_negative_ones(raw):
    result = protein(raw - 5, {"normalisation": "none", "scale": False})
    np.testing.assert_array_equal(result, raw - 5)


@pytest.mark.parametrize("zero_center", [True, False])
def test_scaled_values_are_truncated_at_the_top_and_below_only_when_centred(zero_center):
    x = np.random.default_rng(1).normal(size=(300, 2))
    x[0], x[1] = 50, -50
    changes = {"normalisation": "none", "zero_center": zero_center, "clip": 3.0}
    result = protein(x, changes)
    assert result.max() == 3.0
    assert result.min() == -3.0 if zero_center else result.min() < -3.0


def test_no_clip_truncates_nothing(raw):
    raw[0, 0] = 1e6
    assert protein(raw, {"clip": None, "normalisation": "none"}).max() > 7


@pytest.mark.parametrize("changes", METHODS)
def test_sparse_and_dense_input_give_the_same(changes):
    x = counts()
    if changes.get("normalisation") == "none":
        x = np.log1p(x)
    dense, sparse = protein(x, changes), protein(sp.csr_matrix(x), changes)
    np.testing.assert_allclose(dense, sparse, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", METHODS)
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_the_input_is_left_alone(changes, kind):
    data = imported(protein=kind(counts()))
    if changes.get("highly_variable"):
        data.mod["protein"].layers["counts"] = counts()
    prepare(data, DEFAULTS | changes)
    np.testing.assert_array_equal(dense(data.mod["protein"].X), counts())


@few
@given(st.floats(0.01, 100))
def test_total_does_not_see_how_bright_a_cell_is(factor):
    x = np.random.default_rng(2).lognormal(size=(20, 4))
    brighter = x.copy()
    brighter[3] *= factor
    np.testing.assert_allclose(protein(x), protein(brighter), rtol=1e-3, atol=1e-3)


def test_a_constant_protein_is_named_and_set_to_zero(raw, caplog):
    raw[:, 2] = 7
    assert (protein(raw)[:, 2] == 0).all()
    assert "1 proteins are the same in all cells" in caplog.text and "p2" in caplog.text


def test_rounding_of_a_lone_protein_is_no_signal(raw):
    with pytest.raises(UserError, match="every protein is the same in all 60 cells after"):
        protein(raw[:, :1])


def test_one_cell_is_refused(raw):
    with pytest.raises(UserError, match="has 1 cell; clustering needs at least 2"):
        protein(raw[:1])


# --- values that cannot be, and values that look odd ------------------------------------------


@pytest.mark.parametrize("total", [1, 100])
def test_shares_are_recognised_and_go_through(raw, caplog, total):
    protein(total * raw / raw.sum(1, keepdims=True))
    assert f"all cells sum to {total}" in caplog.text


def test_logarithms_marked_by_scanpy_are_recognised(raw, caplog):
    data = imported(protein=raw)
    data.mod["protein"].uns["log1p"] = {"base": None}
    prepare(data, DEFAULTS)
    assert "set preprocess.<name>.normalisation: none" in caplog.text


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("normalisation", ["total", "clr", "total_median", "sqrt"])
def test_negative_values_are_refused_with_cell_protein_and_setting(raw, kind, normalisation):
    raw[7, 3] = -2
    match = (
        r"cell 'c7', protein 'p3': the value -2 is negative and cannot be normalised by "
        rf"'{normalisation}'; set preprocess.<name>.normalisation: none.*arcsinh"
    )
    with pytest.raises(UserError, match=match):
        protein(kind(raw), {"normalisation": normalisation})


@pytest.mark.parametrize("normalisation", ["arcsinh", "arcsinh_median"])
def test_arcsinh_takes_values_after_background_subtraction(raw, normalisation):
    raw[7, 3] = -2
    assert np.isfinite(protein(raw, {"normalisation": normalisation})).all()


@pytest.mark.parametrize("normalisation", ["total", "arcsinh", "clr"])
def test_z_scores_are_recognised(raw, normalisation):
    scores = (raw - raw.mean(0)) / raw.std(0)
    with pytest.raises(UserError, match="the proteins look like z-scores.*normalisation: none"):
        protein(scores, {"normalisation": normalisation})


def test_a_cell_of_zeros_is_refused_where_sums_are_taken(raw):
    raw[4] = 0
    for normalisation in ("total", "total_median", "total_arcsinh", "share_arcsinh"):
        with pytest.raises(UserError, match=r"'c4' \(1 in all\): every protein is zero.*arcsinh"):
            protein(raw, {"normalisation": normalisation})
    for normalisation in ("arcsinh", "clr", "none", "arcsinh_median", "sqrt"):
        assert np.isfinite(protein(raw, {"normalisation": normalisation})).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("normalisation", ["total", "none", "clr"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_values_that_are_not_finite_are_refused(raw, value, normalisation, kind):
    raw[5, 1] = value
    with pytest.raises(UserError, match=f"'c5', protein 'p1': the value is {value}"):
        protein(kind(raw), {"normalisation": normalisation})


@pytest.mark.parametrize("changes", [{"normalisation": "clr"}, {"highly_variable": 4}])
def test_values_that_are_no_counts_are_told_of(raw, caplog, changes):
    protein(np.round(raw) + 1, changes)
    assert "no whole number" not in caplog.text
    protein(raw, changes)
    assert "no whole number, where counts are expected" in caplog.text


# --- units of the features ---------------------------------------------------------------------

# as printed where they were measured: p are shares of the sum T, m medians of positive values
PRINTED = {
    "total_median": lambda x, p, t: np.log1p(p * np.median(t) / np.median(x[x > 0])),
    "total_arcsinh": lambda x, p, t: np.arcsinh(p * t.mean() / positive_medians(x)),
    "share_arcsinh": lambda x, p, t: np.arcsinh(p / positive_medians(p)),
    "arcsinh_median": lambda x, p, t: np.arcsinh(x / positive_medians(x)),
    "sqrt": lambda x, p, t: np.sqrt(np.minimum(x / np.quantile(x, 0.999, axis=0), 1)),
}


def positive_medians(x):
    return np.array([np.median(column[column > 0]) for column in x.T])


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("normalisation", PRINTED)
def test_formulas_in_units_of_the_features_are_as_printed(normalisation, kind):
    x = counts().astype(np.float64)
    totals = x.sum(1, keepdims=True)
    expected = PRINTED[normalisation](x, x / totals, totals.ravel())
    result = protein(kind(x), {"normalisation": normalisation, "scale": False})
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=1e-6)


@few
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_no_formula_depends_on_the_unit_of_measurement(seed, unit):
    x = counts(seed % 1000)
    for normalisation in PRINTED:
        changes = {"normalisation": normalisation}
        np.testing.assert_allclose(protein(x, changes), protein(unit * x, changes), atol=2e-3)


@pytest.mark.parametrize("normalisation", PRINTED)
def test_other_cells_are_measured_in_the_units_of_the_first(normalisation):
    x, changes = counts(n=300), {"normalisation": normalisation, "scale": False}
    cells = prepare(imported(protein=x), DEFAULTS | changes)
    some = imported(protein=x[:20])
    result, _ = apply(some, cells.preprocessing, cells.names)
    np.testing.assert_allclose(
        result.features["protein"], cells.features["protein"][:20], rtol=1e-5, atol=1e-6
    )
    alone = protein(x[:20], changes)
    assert np.abs(alone - result.features["protein"]).max() > 0.01  # units of their own differ


def test_a_feature_that_few_cells_have_keeps_its_root():
    x = counts(n=3000)
    x[:, 5] = 0
    x[7, 5] = 4  # beyond the 99.9th percentile
    result = protein(x, {"normalisation": "sqrt", "scale": False})
    assert result[7, 5] == 1 and result[:, 5].sum() == 1


# --- centred log-ratio -------------------------------------------------------------------------


def test_clr_is_that_of_each_cell_with_one_count_added():
    x = counts()
    logs = np.log(x.astype(float) + 1)
    expected = logs - logs.mean(axis=1, keepdims=True)
    result = protein(x, {"normalisation": "clr", "scale": False})
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_clr_of_an_empty_cell_is_zero():
    x = counts()
    x[4] = 0
    assert (protein(x, {"normalisation": "clr", "scale": False})[4] == 0).all()


@few
@given(st.integers(0, 10**6), st.floats(0, 0.9))
def test_log_ratios_of_a_cell_sum_to_zero(seed, share_of_zeros):
    rng = np.random.default_rng(seed)
    x = rng.poisson(30, size=(10, 6)) * (rng.random((10, 6)) > share_of_zeros)
    x[0] = np.arange(1, 7)  # something varies
    x[1] = np.arange(6, 0, -1)
    x[2] = [3, 4, 6, 1, 2, 9]
    result = protein(x, {"normalisation": "clr", "scale": False})
    np.testing.assert_allclose(result.sum(axis=1), 0, atol=1e-4)


def test_packages_slow_to_import_are_loaded_only_where_asked_for():
    code = (
        "import sys, spclust.stages.preprocess.preparation; "
        "assert not {'muon', 'harmonypy', 'scanpy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=LIBRARY)


# --- several modalities ------------------------------------------------------------------------
