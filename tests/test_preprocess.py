"""Normalisation: what it computes, what it refuses and what it says."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from spclust.errors import UserError
from spclust.preprocess import preprocess

DEFAULTS = {
    "normalisation": "total",
    "target_sum": 1.0,
    "cofactor": 5.0,
    "scale": True,
    "zero_center": True,
    "clip": 10.0,
}


def cells_of(x):
    x = x if sp.issparse(x) else np.asarray(x, dtype=np.float32)
    cells = anndata.AnnData(
        x,
        obs=pd.DataFrame({"image": "image"}, index=[f"c{i}" for i in range(x.shape[0])]),
        var=pd.DataFrame(index=[f"p{j}" for j in range(x.shape[1])]),
    )
    cells.obsm["spatial"] = np.zeros((x.shape[0], 2), dtype=np.float32)
    return cells


@pytest.fixture
def raw():
    return np.random.default_rng(0).lognormal(2, 1, size=(60, 5)).astype(np.float32)


def test_total_follows_the_paper(raw):
    result = preprocess(cells_of(raw), **DEFAULTS)
    expected = np.log1p(raw / raw.sum(1, keepdims=True))
    expected = (expected - expected.mean(0)) / expected.std(0, ddof=1)
    np.testing.assert_allclose(result.X, np.minimum(expected, 10), rtol=1e-3, atol=1e-4)
    assert result.X.dtype == np.float32
    assert result.uns["preprocess"] == DEFAULTS
    assert "log1p" not in result.uns


def test_arcsinh_divides_by_the_cofactor(raw):
    result = preprocess(
        cells_of(raw), **DEFAULTS | {"normalisation": "arcsinh", "cofactor": 2.0, "scale": False}
    )
    np.testing.assert_allclose(result.X, np.arcsinh(raw / 2), rtol=1e-5)


def test_none_takes_values_as_they_are_even_negative_ones(raw):
    result = preprocess(cells_of(raw - 5), **DEFAULTS | {"normalisation": "none", "scale": False})
    np.testing.assert_array_equal(result.X, raw - 5)


@pytest.mark.parametrize("zero_center", [True, False])
def test_scaled_values_are_truncated_at_the_top_and_below_only_when_centred(zero_center):
    x = np.random.default_rng(1).normal(size=(300, 2))
    x[0], x[1] = 50, -50
    settings = {"normalisation": "none", "zero_center": zero_center, "clip": 3.0}
    result = preprocess(cells_of(x), **DEFAULTS | settings).X
    assert result.max() == 3.0
    assert result.min() == -3.0 if zero_center else result.min() < -3.0


def test_no_clip_truncates_nothing_and_the_settings_can_be_written(raw, tmp_path):
    raw[0, 0] = 1e6
    result = preprocess(cells_of(raw), **DEFAULTS | {"clip": None, "normalisation": "none"})
    assert result.X.max() > 7
    result.write_h5ad(tmp_path / "cells.h5ad")
    assert "clip" not in result.uns["preprocess"]


def test_sparse_and_dense_input_give_the_same(raw):
    raw[:, 1:][raw[:, 1:] < 5] = 0
    dense, sparse = (preprocess(cells_of(x), **DEFAULTS) for x in (raw, sp.csr_matrix(raw)))
    np.testing.assert_allclose(dense.X, sparse.X, rtol=1e-5)


def test_the_input_is_left_alone_and_its_ballast_behind(raw):
    cells = cells_of(raw.copy())
    cells.layers["counts"] = raw.copy()
    result = preprocess(cells, **DEFAULTS)
    np.testing.assert_array_equal(cells.X, raw)
    assert not result.layers and list(result.obs) == ["image"] and "spatial" in result.obsm


@given(st.floats(0.01, 100))
def test_total_does_not_see_how_bright_a_cell_is(factor):
    x = np.random.default_rng(2).lognormal(size=(20, 4))
    brighter = x.copy()
    brighter[3] *= factor
    once, twice = (preprocess(cells_of(v), **DEFAULTS).X for v in (x, brighter))
    np.testing.assert_allclose(once, twice, rtol=1e-3, atol=1e-3)


def test_a_constant_protein_is_named_and_set_to_zero(raw, caplog):
    raw[:, 2] = 7
    result = preprocess(cells_of(raw), **DEFAULTS)
    assert (result.X[:, 2] == 0).all()
    assert "the same in all cells" in caplog.text and "p2" in caplog.text


def test_rounding_of_a_lone_protein_is_no_signal(raw):
    with pytest.raises(UserError, match="every protein is the same in all 60 cells"):
        preprocess(cells_of(raw[:, :1]), **DEFAULTS)


@pytest.mark.parametrize("total", [1, 100])
def test_shares_are_recognised_and_go_through(raw, caplog, total):
    preprocess(cells_of(total * raw / raw.sum(1, keepdims=True)), **DEFAULTS)
    assert f"all cells sum to {total}" in caplog.text


def test_logarithms_marked_by_scanpy_are_recognised(raw, caplog):
    cells = cells_of(raw)
    cells.uns["log1p"] = {"base": None}
    preprocess(cells, **DEFAULTS)
    assert "normalisation: none" in caplog.text


def test_negative_values_are_refused_by_total_with_cell_protein_and_setting(raw):
    raw[7, 3] = -2
    with pytest.raises(UserError, match=r"'c7', protein 'p3'.*-2 is negative.*none.*arcsinh"):
        preprocess(cells_of(raw), **DEFAULTS)


def test_arcsinh_takes_values_after_background_subtraction(raw):
    raw[7, 3] = -2
    result = preprocess(cells_of(raw), **DEFAULTS | {"normalisation": "arcsinh"})
    assert np.isfinite(result.X).all()


@pytest.mark.parametrize("normalisation", ["total", "arcsinh"])
def test_z_scores_are_recognised(raw, normalisation):
    scores = (raw - raw.mean(0)) / raw.std(0)
    with pytest.raises(UserError, match="look like z-scores.*normalisation: none"):
        preprocess(cells_of(scores), **DEFAULTS | {"normalisation": normalisation})


def test_a_cell_of_zeros_is_refused_by_total_only(raw):
    raw[4] = 0
    with pytest.raises(UserError, match=r"'c4' \(1 in all\): every protein is zero.*arcsinh"):
        preprocess(cells_of(raw), **DEFAULTS)
    preprocess(cells_of(raw), **DEFAULTS | {"normalisation": "arcsinh"})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("normalisation", ["total", "none"])
def test_values_that_are_not_finite_are_refused(raw, value, normalisation):
    raw[5, 1] = value
    with pytest.raises(UserError, match="'c5', protein 'p1'"):
        preprocess(cells_of(raw), **DEFAULTS | {"normalisation": normalisation})


def test_one_cell_is_refused(raw):
    with pytest.raises(UserError, match="at least 2"):
        preprocess(cells_of(raw[:1]), **DEFAULTS)
