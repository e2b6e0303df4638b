"""Preprocessing: what it computes, what it refuses and says, and how other cells go through it."""

import logging
import subprocess
import sys
from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust import contracts
from spclust.errors import UserError
from spclust.models import Model
from spclust.preprocess import apply, prepare
from spclust.stages import STAGES

mudata.set_options(pull_on_update=False)
DEFAULTS = STAGES["preprocess"].defaults
LIBRARY = Path(__file__).parents[1] / "workflow_scripts"
few = settings(deadline=None, max_examples=20)
METHODS = [
    {},
    {"normalisation": "arcsinh"},
    {"normalisation": "none"},
    {"normalisation": "clr"},
    {"normalisation": "total_median"},
    {"normalisation": "total_arcsinh", "scale_within": "slice"},
    {"normalisation": "share_arcsinh", "pca_components": 3},
    {"normalisation": "arcsinh_median"},
    {"normalisation": "sqrt"},
    {"normalisation": "total_median", "highly_variable": 6},
    {"scale": False},
    {"zero_center": False, "clip": 2.0},
    {"clip": None, "target_sum": 1e4},
    {"scale_within": "slice"},
    {"scale_within": "image", "pca_components": 3},
    {"normalisation": "clr", "pca_components": 4},
    {"highly_variable": 6},
    {"highly_variable": 6, "pca_components": 3, "scale": False},
]


def imported(image=None, slices=None, **modalities):
    """Cells as import_cells leaves them; a modality by name as a matrix or as AnnData."""
    parts = {}
    for name, x in modalities.items():
        if not isinstance(x, anndata.AnnData):
            x = x if sp.issparse(x) else np.asarray(x, dtype=np.float32)
            letter = name[0]
            x = anndata.AnnData(
                x,
                obs=pd.DataFrame(index=[f"c{i}" for i in range(x.shape[0])]),
                var=pd.DataFrame(index=[f"{letter}{j}" for j in range(x.shape[1])]),
            )
        parts[name] = x
    data = mudata.MuData(parts)
    n = data.n_obs
    data.obs["image"] = "image" if image is None else image
    data.obs["slice"] = "slice" if slices is None else slices
    data.obsm["spatial"] = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return data


def protein(x, changes=None, **others):
    """Prepared proteins, array (n, d)."""
    cells = prepare(imported(protein=x, **others), DEFAULTS | (changes or {}))
    return cells.features["protein"]


def named(data, names):
    """The proteins of some cells under other names."""
    part = data.mod["protein"].copy()
    part.var_names = names
    return imported(data.obs["image"].to_numpy(), data.obs["slice"].to_numpy(), protein=part)


def counts(seed=0, n=80, d=12, mean=3.0):
    rng = np.random.default_rng(seed)
    x = rng.poisson(mean * rng.lognormal(size=d), size=(n, d)).astype(np.float32)
    x[:, 0] += 1  # no cell is empty
    return x


@pytest.fixture
def raw():
    return np.random.default_rng(0).lognormal(2, 1, size=(60, 5)).astype(np.float32)


# --- one modality, as the paper ---------------------------------------------------------------


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
    np.testing.assert_array_equal(contracts.dense(data.mod["protein"].X), counts())


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
    match = (r"cell 'c7', protein 'p3': the value -2 is negative and cannot be normalised by "
             rf"'{normalisation}'; set preprocess.<name>.normalisation: none.*arcsinh")  # fmt: skip
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
    code = ("import sys, spclust.preprocess; "
            "assert not {'muon', 'harmonypy', 'scanpy', 'sklearn'} & set(sys.modules)")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, cwd=LIBRARY)


# --- several modalities ------------------------------------------------------------------------


def test_each_modality_has_its_own_settings_over_the_shared_ones():
    rna, adt, other = counts(1, d=70), counts(2, d=8), counts(3, d=5)
    data = imported(rna=sp.csr_matrix(rna), adt=adt, protein=other)
    changes = {"modalities": DEFAULTS["modalities"] | {"rna": {"target_sum": 1e4,
               "highly_variable": 40, "pca_components": 10}}}  # fmt: skip
    cells = prepare(data, DEFAULTS | changes)
    assert {m: x.shape[1] for m, x in cells.features.items()} == {"rna": 10, "adt": 8, "protein": 5}
    assert list(cells.names["rna"][:2]) == ["PC1", "PC2"]
    np.testing.assert_array_equal(cells.features["adt"], protein(adt, {"normalisation": "clr"}))
    np.testing.assert_array_equal(cells.features["protein"], protein(other))
    used = {m: entry["settings"] for m, entry in cells.preprocessing.items()}
    assert used["adt"]["normalisation"] == "clr" and used["rna"]["target_sum"] == 1e4
    assert used["protein"]["highly_variable"] is None
    assert all("modalities" not in own for own in used.values())


def test_the_defaults_fit_a_small_panel_of_genes_and_tags():
    cells = prepare(imported(rna=counts(1, d=30), adt=counts(2, d=8)), DEFAULTS)
    # 2,000 genes of 30 are all, and 50 components of 30 genes are the genes
    assert list(cells.names["rna"]) == [f"r{j}" for j in range(30)]
    assert cells.matrix.shape == (80, 38)


def test_the_defaults_leave_the_modality_that_proteins_come_in_alone():
    assert "protein" not in DEFAULTS["modalities"]


@pytest.mark.parametrize("modality", ["rna", "adt"])
def test_faults_name_the_modality_and_its_section(modality):
    tables = {"rna": counts(1), "adt": counts(2)}
    tables[modality][3, 5] = -1
    match = rf"{modality} feature '{modality[0]}5'.*<name>.modalities.{modality}.normalisation"
    with pytest.raises(UserError, match=match):
        prepare(imported(**tables), DEFAULTS)


def test_a_cell_without_rna_is_named_and_one_without_tags_goes_through():
    rna, adt = counts(1), counts(2)
    adt[4] = 0
    prepare(imported(rna=rna, adt=adt), DEFAULTS)
    rna[4] = 0
    with pytest.raises(UserError, match="'c4' .*every rna feature is zero.*remove such cells"):
        prepare(imported(rna=rna, adt=adt), DEFAULTS)


# --- genes: selection and components -----------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_the_most_variable_features_are_those_planted(kind):
    x = np.random.default_rng(0).poisson(10, size=(300, 200)).astype(np.float32)
    # as much on average as the others, but twice in one half of the cells and none in the other
    x[:, :8] *= 2 * ((np.arange(300)[:, None] + np.arange(8)) % 2)
    x[:, 20] = 0  # as a gene that no cell has
    cells = prepare(imported(protein=kind(x)), DEFAULTS | {"highly_variable": 30})
    assert {f"p{j}" for j in range(8)} < set(cells.names["protein"])
    assert cells.features["protein"].shape == (300, 30)
    assert cells.preprocessing["protein"]["constants"]["kept"].shape == (200,)


def test_logarithms_are_needed_to_select_and_the_message_says_so():
    for values, changes in [
        (counts(), {"normalisation": "none"}),
        (counts() + 0.5, {"normalisation": "none"}),
        (counts(), {"normalisation": "clr"}),
    ]:
        values[0, 0] = 1000
        with pytest.raises(UserError, match="by logarithms.*highly_variable: null.*ation: total"):
            protein(values, {"highly_variable": 6, **changes})


def test_components_are_those_of_the_scaled_features():
    x = counts()
    scaled, scores = protein(x), protein(x, {"pca_components": 3})
    _, _, axes = np.linalg.svd(scaled - scaled.mean(0), full_matrices=False)
    expected = (scaled - scaled.mean(0)) @ axes[:3].T
    np.testing.assert_allclose(np.abs(scores), np.abs(expected), rtol=1e-3, atol=1e-3)


def test_few_cells_allow_few_components(caplog):
    caplog.set_level(logging.INFO)
    assert protein(counts(n=5), {"pca_components": 50}).shape == (5, 4)
    assert protein(counts(n=50), {"pca_components": 50}).shape == (50, 12)
    assert "12 features, no more than preprocess.<name>.pca_components 50" in caplog.text


# --- scaling within slices and images ----------------------------------------------------------


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


def two_batches(n=300, shift=2.0):
    """Three cell types in two batches, of which the second is brighter in every feature."""
    rng = np.random.default_rng(0)
    truth, batch = rng.integers(3, size=n), rng.integers(2, size=n)
    x = rng.normal(size=(n, 6)) + 6 * (np.arange(6) % 3 == truth[:, None])
    return x + shift * batch[:, None] * np.array([1, -1, 1, -1, 1, -1]), batch, truth


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
    contracts.write_cells(cells, tmp_path / "cells.h5mu")
    read = contracts.read_cells(tmp_path / "cells.h5mu", "prepared")
    assert read.preprocessing["protein"]["settings"] == cells.preprocessing["protein"]["settings"]
    labels = np.arange(len(cells)) % 2
    Model.of("spclust", {}, read, labels, 2, None, {"w": np.ones(1)}).save(tmp_path / "model")
    model = Model.load(tmp_path / "model")
    for preprocessing, names in [(read.preprocessing, read.names),
                                 (model.preprocessing, model.features)]:  # fmt: skip
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
    other, missing = apply(named(imported(protein=raw[:, order]), names),
                           cells.preprocessing, cells.names)  # fmt: skip
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


@pytest.mark.parametrize("changes", [{}, {"normalisation": "clr"}, {"scale": False},
                                     {"scale_within": "slice"}])  # fmt: skip
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


PANEL = ["CD3", "CD4", "CD8", "CD20", "CD68", "CD31", "PanCK", "CD56", "Ki67", "PD-1"]


def proteins(seed=0, n=30, names=PANEL):
    x = np.random.default_rng(seed).gamma(2.0, 3.0, size=(n, len(names)))
    obs = pd.DataFrame(index=[f"c{i}" for i in range(n)])
    part = anndata.AnnData(x.astype(np.float32), obs=obs, var=pd.DataFrame(index=names))
    return imported(protein=part)


def test_a_panel_leaves_states_aside_and_prepares_all_features_alike():
    whole, some = (prepare(proteins(), DEFAULTS | {"panel": p}) for p in ("all", "auto"))
    assert not whole.aside and some.names["protein"].tolist() == PANEL[:8]
    assert some.aside_names["protein"].tolist() == PANEL[8:]
    np.testing.assert_array_equal(some.whole().matrix, whole.matrix)
    np.testing.assert_array_equal(some.matrix, whole.matrix[:, :8])


@pytest.mark.parametrize(
    "setting", [{}, {"scale_within": "slice"}, {"pca_components": 3}, {"scale": False}]
)
def test_other_cells_go_through_the_same_panel(tmp_path, setting):
    data = proteins()
    cells = prepare(data, DEFAULTS | {"panel": ["CD3", "Ki67", "CD68", "PanCK"]} | setting)
    contracts.write_cells(cells, tmp_path / "cells.h5mu")
    stored = contracts.read_cells(tmp_path / "cells.h5mu", "prepared")
    again, missing = apply(data, stored.preprocessing, stored.names)
    for found in (stored, again):
        np.testing.assert_allclose(found.matrix, cells.matrix, atol=1e-5)
        np.testing.assert_allclose(found.aside["protein"], cells.aside["protein"], atol=1e-5)
        assert found.aside_names["protein"].tolist() == cells.aside_names["protein"].tolist()
    assert missing == {"protein": []}


def test_what_does_not_cluster_may_be_missing_in_other_cells():
    cells = prepare(proteins(), DEFAULTS | {"panel": "lineage"})
    fewer = proteins(1, names=PANEL[:8])
    applied, missing = apply(fewer, cells.preprocessing, cells.names)
    assert missing == {"protein": []} and applied.matrix.shape == (30, 8)


def test_a_panel_says_what_it_leaves_out_and_refuses_unknown_names(caplog):
    with caplog.at_level(logging.INFO):
        prepare(proteins(), DEFAULTS | {"panel": "lineage"})
    assert "8 of 10 features cluster; left to markers, figures and export: Ki67" in caplog.text
    with pytest.raises(UserError, match=r"preprocess\.<name>\.panel: no feature is called 'CD99x'"):
        prepare(proteins(), DEFAULTS | {"panel": ["CD3", "CD99x"]})
