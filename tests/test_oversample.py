"""Spa-CSMOTE: classes are balanced, originals untouched, synthetic cells where Eq. 2-4 put them."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.base import clone

from spclust.errors import UserError
from spclust.oversample import SpaCSMOTE, lambda2

VARIANTS = ("constrained", "same_lambda", "expression_only", "none")


def slice_of(sizes, n_images=1, seed=0):
    """Arrays (x, y, coordinates, images) of a slice with classes of these sizes."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    x = (rng.normal(size=(len(y), 4)) + 3 * y[:, None]).astype(np.float32)
    return (
        x,
        y,
        rng.uniform(0, 100, size=(len(y), 2)).astype(np.float32),
        np.array([f"image_{i}" for i in rng.integers(n_images, size=len(y))]),
    )


def cells_of(x, y, coordinates, images):
    obs = pd.DataFrame(
        {"image": pd.Categorical(images), "pseudolabel": y, "label": [f"type_{c}" for c in y]},
        index=[f"cell_{i}" for i in range(len(y))],
    )
    obs["label"] = obs["label"].astype("category")
    return anndata.AnnData(x, obs=obs, obsm={"spatial": coordinates})


slices = st.builds(
    slice_of,
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=4),
    n_images=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
samplers = st.builds(
    SpaCSMOTE,
    variant=st.sampled_from(VARIANTS[:3]),
    n_neighbors=st.integers(1, 30),
    imbalance_ratio=st.sampled_from([1.0, 1.5, 3.0]),
    pool=st.sampled_from(["cell", "class"]),
    spatial_neighbors=st.sampled_from(["same_label", "any"]),
    random_state=st.integers(0, 1000),
)


def resample(sampler, data):
    x, y, coordinates, images = data
    new_x, new_y = sampler.fit_resample(x, y, coordinates=coordinates, images=images)
    return new_x, new_y, sampler.coordinates_, sampler.parents_


def position(point, start, end):
    """Where on the segment each point lies (0 start, 1 end) and how far off it."""
    step = (end - start).astype(float)
    length = (step**2).sum(1)
    share = ((point - start) * step).sum(1) / np.where(length > 0, length, 1)
    return share, np.abs(start + share[:, None] * step - point).max(axis=1, initial=0)


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_every_class_reaches_the_target_and_none_passes_it(data, sampler):
    _, y, _, _ = resample(sampler, data)
    before, after = np.bincount(data[1]), np.bincount(y)
    target = int(np.ceil(before.max() / sampler.imbalance_ratio))
    assert np.array_equal(after, np.maximum(before, target))


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_originals_come_first_bit_for_bit(data, sampler):
    result, n = resample(sampler, data), len(data[1])
    for before, after in zip(data[:3], result[:3]):
        assert after.dtype == before.dtype
        assert np.array_equal(after[:n], before)


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_parents_are_of_one_image_and_of_the_class(data, sampler):
    y, images, n = data[1], data[3], len(data[1])
    _, new_y, _, parents = resample(sampler, data)
    assert np.array_equal(images[parents[:, 0]], images[parents[:, 1]])
    assert np.array_equal(y[parents[:, 0]], new_y[n:])
    if sampler.spatial_neighbors == "same_label" or sampler.variant == "expression_only":
        assert np.array_equal(y[parents[:, 0]], y[parents[:, 1]])


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_synthetic_cells_lie_between_their_parents(data, sampler):
    x, _, coordinates, _ = data
    new_x, _, new_s, parents = resample(sampler, data)
    i, j = parents.T
    ratio1, off_x = position(new_x[len(x) :], x[i], x[j])
    ratio2, off_s = position(new_s[len(x) :], coordinates[i], coordinates[j])
    for ratio, off in ((ratio1, off_x), (ratio2, off_s)):
        assert np.all((ratio > -1e-4) & (ratio < 1 + 1e-4)) and np.all(off < 1e-3)
    if sampler.variant == "same_lambda":
        np.testing.assert_allclose(ratio1, ratio2, atol=2e-3)  # Eq. 3


@settings(max_examples=15, deadline=None)
@given(slices, samplers)
def test_the_same_seed_gives_the_same_cells(data, sampler):
    for a, b in zip(resample(sampler, data), resample(clone(sampler), data)):
        assert np.array_equal(a, b)


def test_another_seed_gives_other_cells():
    data = slice_of([40, 10])
    a, b = (resample(SpaCSMOTE(random_state=seed), data)[0] for seed in (0, 1))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(("boundary", "probability"), [(0.1, 0.9), (0.25, 0.4), (0.1, 0.0)])
def test_lambda2_follows_its_law(boundary, probability):
    drawn = lambda2(np.random.default_rng(1), 20_000, boundary, probability)

    def law(value):
        # cumulative: p/2 on [0, v1], 1 - p between, p/2 on [1 - v1, 1], uniform on each
        points = [0, boundary, 1 - boundary, 1]
        return np.interp(value, points, [0, probability / 2, 1 - probability / 2, 1])

    assert kstest(drawn, law).pvalue > 0.01
    assert drawn.min() >= 0 and drawn.max() <= 1


def test_by_default_cells_stay_near_a_parent_whatever_their_proteins():
    data = slice_of([4000, 20])
    x, _, coordinates, _ = data
    new_x, _, new_s, (i, j) = (*resample(sampler := SpaCSMOTE(random_state=0), data)[:3],
                               sampler.parents_.T)  # fmt: skip
    ratio1, _ = position(new_x[len(x) :], x[i], x[j])
    ratio2, _ = position(new_s[len(x) :], coordinates[i], coordinates[j])
    # 3,980 draws: the standard error of the share is 0.005
    assert np.mean((ratio2 < 0.1) | (ratio2 > 0.9)) == pytest.approx(0.9, abs=0.02)
    assert kstest(ratio1, "uniform").pvalue > 0.01  # Eq. 2
    assert abs(np.corrcoef(ratio1, ratio2)[0, 1]) < 0.05


def neighbours(points, candidates, i, k):
    """The k candidates nearest to i, by plain sorting."""
    others = candidates[candidates != i]
    return set(others[np.argsort(((points[others] - points[i]) ** 2).sum(1))[:k]])


@pytest.mark.parametrize("variant", ["constrained", "expression_only"])
@pytest.mark.parametrize("spatial", ["same_label", "any"])
@pytest.mark.parametrize("pool", ["cell", "class"])
def test_partners_are_exactly_the_neighbours_of_eq_1(variant, spatial, pool):
    k, data = 3, slice_of([300, 30], n_images=2)
    x, y, s, images = data
    sampler = SpaCSMOTE(variant, k, pool=pool, spatial_neighbors=spatial, random_state=0,
                        imbalance_ratio=1.0)  # fmt: skip
    resample(sampler, data)
    minority = np.flatnonzero(y == 1)
    allowed = {}
    for i in minority:
        here = np.flatnonzero(images == images[i])
        allowed[i] = neighbours(x, here[y[here] == 1], i, k)
        if variant == "constrained":
            near = neighbours(s, here, i, k)
            allowed[i] |= {j for j in near if spatial == "any" or y[j] == 1}
    if pool == "class":
        of_image = {
            image: set().union(*(allowed[i] for i in minority if images[i] == image))
            for image in np.unique(images)
        }
        allowed = {i: of_image[images[i]] for i in minority}
    for i, j in sampler.parents_:
        assert j in allowed[i]
    # with nine draws a cell on average, most of the partners are met
    met, possible = set(sampler.parents_[:, 1]), set().union(*allowed.values())
    assert len(met) > 0.8 * len(possible)


def test_the_literal_pool_of_a_class_reaches_beyond_a_cells_own_neighbours():
    data = slice_of([400, 40])
    x, y = data[:2]
    far = {}
    for pool in ("cell", "class"):
        sampler = SpaCSMOTE("expression_only", 2, pool=pool, random_state=0)
        resample(sampler, data)
        i, j = sampler.parents_.T
        far[pool] = np.linalg.norm(x[i] - x[j], axis=1).mean()
    assert far["class"] > 1.3 * far["cell"]


@pytest.mark.parametrize("pool", ["cell", "class"])
def test_a_class_of_one_cell_is_copied_with_a_warning(pool, caplog):
    data = slice_of([8, 1])
    x, y, s, _ = data
    new_x, new_y, new_s, _ = resample(SpaCSMOTE(pool=pool, random_state=0), data)
    assert np.bincount(new_y).tolist() == [8, 8]
    assert np.array_equal(new_x[9:], np.repeat(x[y == 1], 7, axis=0))
    assert np.array_equal(new_s[9:], np.repeat(s[y == 1], 7, axis=0))
    assert "class 1: 7 synthetic cells copy their base cell" in caplog.text


def test_balanced_classes_get_nothing_and_no_warning(caplog):
    data = slice_of([10, 10])
    assert len(resample(SpaCSMOTE(random_state=0), data)[1]) == 20
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_cells_at_one_point_and_equal_cells_do_no_harm():
    x, y, s, images = slice_of([12, 4])
    new_x, new_y, new_s, _ = resample(SpaCSMOTE(random_state=0), (x * 0, y, s * 0, images))
    assert np.bincount(new_y).tolist() == [12, 12]
    assert not new_x.any() and not new_s.any()


def test_anndata_comes_back_with_marked_synthetic_rows_and_their_parents():
    x, y, s, images = slice_of([30, 8, 3], n_images=2)
    cells = cells_of(x, y, s, images)
    before = cells.copy()
    balanced, labels = SpaCSMOTE(random_state=0).fit_resample(cells)
    n = cells.n_obs
    assert balanced.n_obs == 90 and np.array_equal(labels, balanced.obs["pseudolabel"])
    assert balanced.obs_names[n] == "synthetic-0" and balanced.obs_names.is_unique
    assert np.array_equal(balanced.obs["synthetic"], np.arange(90) >= n)
    assert np.array_equal(balanced.X[:n], x) and np.array_equal(balanced.obsm["spatial"][:n], s)
    assert list(balanced.obs_names[:n]) == list(cells.obs_names)
    assert (balanced.obs.loc[~balanced.obs["synthetic"], ["parent_1", "parent_2"]] == "").all(None)
    made = balanced.obs[balanced.obs["synthetic"]]
    for column in ("parent_1", "parent_2"):
        parents = cells.obs.loc[made[column]]
        assert np.array_equal(parents["image"].astype(str), made["image"].astype(str))
        assert np.array_equal(parents["pseudolabel"], made["pseudolabel"])
    # reference labels stay with the cells they were given to
    assert balanced.obs["label"][:n].tolist() == cells.obs["label"].tolist()
    assert made["label"].isna().all()
    pd.testing.assert_frame_equal(cells.obs, before.obs)  # the input is left alone


def test_balanced_cells_survive_a_file(tmp_path):
    from spclust import contracts

    for variant in ("constrained", "none"):
        balanced, _ = SpaCSMOTE(variant, random_state=0).fit_resample(cells_of(*slice_of([20, 5])))
        contracts.write_cells(balanced, tmp_path / "balanced.h5ad")
        again = contracts.read_cells(tmp_path / "balanced.h5ad", "balanced")
        assert again.obs["synthetic"].sum() == balanced.obs["synthetic"].sum()
        assert again.obs["parent_1"].astype(str).tolist() == balanced.obs["parent_1"].tolist()


def test_the_variant_none_adds_nothing_but_the_columns():
    cells = cells_of(*slice_of([20, 5]))
    balanced, _ = SpaCSMOTE("none").fit_resample(cells)
    assert np.array_equal(balanced.X, cells.X)
    assert not balanced.obs["synthetic"].any()
    assert (balanced.obs[["parent_1", "parent_2"]] == "").all(None)


def test_integer_coordinates_and_sparse_proteins_are_taken():
    x, y, s, images = slice_of([30, 5])
    s = s.astype(int)
    sampler = SpaCSMOTE(random_state=0)
    new_x, _ = sampler.fit_resample(sp.csr_matrix(x), y, coordinates=s, images=images)
    assert np.array_equal(new_x[:35], x)
    new_s = sampler.coordinates_
    assert np.array_equal(new_s[:35], s)
    assert np.any(new_s[35:] % 1 != 0), "synthetic coordinates must not be cut to whole numbers"


def test_text_labels_are_kept():
    x, y, s, images = slice_of([30, 5])
    names = np.array(["common", "rare"])[y]
    _, labels = SpaCSMOTE(random_state=0).fit_resample(x, names, coordinates=s)
    assert pd.Series(labels).value_counts().to_dict() == {"common": 30, "rare": 30}


def test_it_is_an_imbalanced_learn_sampler():
    from imblearn.base import BaseSampler

    sampler = SpaCSMOTE(n_neighbors=7, random_state=3)
    assert isinstance(sampler, BaseSampler)
    assert clone(sampler).get_params()["n_neighbors"] == 7


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("variant", "smote"), ("pool", "all"), ("imbalance_ratio", 0.5), ("boundary", 0.5),
     ("boundary_probability", 1.1), ("n_neighbors", 0), ("spatial_neighbors", "none")],
)  # fmt: skip
def test_a_parameter_out_of_range_is_named(parameter, value):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of SpaCSMOTE"):
        resample(SpaCSMOTE(**{parameter: value}), slice_of([5, 2]))


def test_missing_input_is_named():
    x, y, s, images = slice_of([5, 2])
    with pytest.raises(UserError, match="labels y and coordinates"):
        SpaCSMOTE().fit_resample(x, y)
    with pytest.raises(UserError, match="differ in length"):
        SpaCSMOTE().fit_resample(x, y, coordinates=s[1:])
    cells = cells_of(x, y, s, images)
    del cells.obs["pseudolabel"]
    with pytest.raises(UserError, match=r"obs\['pseudolabel'\]"):
        SpaCSMOTE().fit_resample(cells)
