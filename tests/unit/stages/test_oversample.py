"""Spa-CSMOTE: classes are balanced, originals untouched, synthetic cells where Eq. 2-4 put them."""

from dataclasses import replace

import jsonschema
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import cells_of, expression_types
from scipy.stats import kstest
from sklearn.base import clone

from spclust.data.cell_files import read_cells, write_cells
from spclust.errors import UserError
from spclust.plan.stages import STAGES
from spclust.stages.oversample import ALLOWED, SpaCSMOTE, lambda2

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
    expression_within=st.sampled_from(["cohort", "image"]),
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
def test_parents_are_of_the_class_and_of_one_group(data, sampler):
    y, images, n = data[1], data[3], len(data[1])
    _, new_y, _, parents = resample(sampler, data)
    i, j = parents.T
    assert np.array_equal(y[i], new_y[n:])
    abroad = images[i] != images[j]
    assert not (abroad & (sampler.expression_within == "image")).any()
    # who lends features only is a partner by expression, and so of the class
    assert np.array_equal(y[i[abroad]], y[j[abroad]])
    if sampler.spatial_neighbors == "same_label" or sampler.variant == "expression_only":
        assert np.array_equal(y[i], y[j])


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_synthetic_cells_lie_between_their_parents(data, sampler):
    x, _, coordinates, images = data
    new_x, _, new_s, parents = resample(sampler, data)
    i, j = parents.T
    ratio1, off_x = position(new_x[len(x) :], x[i], x[j])
    assert np.all((ratio1 > -1e-4) & (ratio1 < 1 + 1e-4)) and np.all(off_x < 1e-3)
    moved = np.any(x[i] != x[j], axis=1)
    np.testing.assert_allclose(ratio1[moved], sampler.lambda1_[moved], atol=2e-3)
    home = images[i] == images[j]
    i, j, places = i[home], j[home], new_s[len(x) :][home]
    ratio2, off_s = position(places, coordinates[i], coordinates[j])
    assert np.all((ratio2 > -1e-4) & (ratio2 < 1 + 1e-4)) and np.all(off_s < 1e-3)
    if sampler.variant == "same_lambda":
        np.testing.assert_allclose(ratio1[home], ratio2, atol=2e-3)  # Eq. 3


@settings(max_examples=60, deadline=None)
@given(slices, samplers)
def test_no_place_lies_outside_the_image_of_the_base_cell(data, sampler):
    _, y, coordinates, images = data
    # images far apart, so that a place between two of them is in none
    coordinates = coordinates + 1000 * np.unique(images, return_inverse=True)[1][:, None]
    coordinates = coordinates.astype(np.float32)
    _, _, new_s, parents = resample(sampler, (data[0], y, coordinates, images))
    for place, base in zip(new_s[len(y) :], parents[:, 0]):
        inside = coordinates[images == images[base]]
        assert np.all(place >= inside.min(0) - 0.01) and np.all(place <= inside.max(0) + 0.01)


def test_cells_without_places_are_refused_unless_none_is_made():
    cells, reference = expression_types(0)
    codes = reference.astype("category").cat.codes.to_numpy()
    nowhere = replace(cells, coordinates=np.full_like(cells.coordinates, np.nan))
    with pytest.raises(UserError, match="variant: constrained needs the place of each cell"):
        SpaCSMOTE(random_state=0).balance(nowhere, codes)
    assert len(SpaCSMOTE(random_state=0, variant="none").balance(nowhere, codes)) == len(cells)


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
    new_x, _, new_s, (i, j) = (
        *resample(sampler := SpaCSMOTE(random_state=0), data)[:3],
        sampler.parents_.T,
    )
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
@pytest.mark.parametrize("within", ["cohort", "image"])
def test_partners_are_exactly_the_neighbours_of_eq_1(variant, spatial, pool, within):
    k, data = 3, slice_of([300, 30], n_images=2)
    x, y, s, images = data
    groups = images if within == "image" else np.zeros(len(y))
    sampler = SpaCSMOTE(
        variant, k, pool=pool, spatial_neighbors=spatial, random_state=0, expression_within=within
    )
    _, _, new_s, parents = resample(sampler, data)
    minority = np.flatnonzero(y == 1)
    alike, near = {}, {}
    for i in minority:
        alike[i] = neighbours(x, minority[groups[minority] == groups[i]], i, k)
        found = neighbours(s, np.flatnonzero(images == images[i]), i, k)
        near[i] = {j for j in found if spatial == "any" or y[j] == 1}
    by_place = near if variant == "constrained" else dict.fromkeys(minority, set())
    allowed = {i: alike[i] | by_place[i] for i in minority}
    if pool == "class":
        for i in minority:
            of_group = (alike[m] for m in minority if groups[m] == groups[i])
            of_image = (by_place[m] for m in minority if images[m] == images[i])
            allowed[i] = set().union(*of_group, *of_image) - {i}
    abroad = 0
    for (i, j), place in zip(parents, new_s[len(y) :]):
        assert j in allowed[i]
        if images[i] != images[j]:
            abroad += 1
            ends = s[list(near[i])] if near[i] else s[[i]]
            start, place = (np.repeat(a[None], len(ends), axis=0) for a in (s[i], place))
            share, off = position(place, start, ends)
            assert np.any((off < 1e-3) & (share > -1e-4) & (share < 1 + 1e-4))
    assert (abroad > 50) == (within == "cohort")
    # with nine draws a cell on average, most of the partners are met
    met, possible = set(sampler.parents_[:, 1]), set().union(*allowed.values())
    assert len(met) > 0.8 * len(possible)


def test_a_cell_without_spatial_partners_stays_in_its_place():
    x, y, s, _ = slice_of([30, 10])
    images = np.where(y == 1, np.arange(40), 100)  # each rare cell alone in its image
    sampler = SpaCSMOTE(random_state=0)
    new_x, _, new_s, (i, j) = (*resample(sampler, (x, y, s, images))[:3], sampler.parents_.T)
    assert (i != j).all() and np.array_equal(new_s[40:], s[i])
    assert (np.linalg.norm(new_x[40:] - x[i], axis=1) > 0).all()


@settings(max_examples=30, deadline=None)
@given(slices, samplers)
def test_a_cell_is_its_own_partner_only_where_it_has_no_other(data, sampler):
    x, y, _, images = data
    sampler.set_params(spatial_neighbors="same_label")
    i, j = resample(sampler, data)[3].T
    within = images if sampler.expression_within == "image" else np.zeros(len(y))
    alone = [np.sum((y == y[cell]) & (within == within[cell])) == 1 for cell in i]
    assert np.array_equal(i == j, alone)


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
    warnings = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1 and "class 1: 7 synthetic cells copy their base cell" in warnings[0]


def test_balanced_classes_get_nothing_and_no_warning(caplog):
    data = slice_of([10, 10])
    assert len(resample(SpaCSMOTE(random_state=0), data)[1]) == 20
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_cells_at_one_point_and_equal_cells_do_no_harm():
    x, y, s, images = slice_of([12, 4])
    new_x, new_y, new_s, _ = resample(SpaCSMOTE(random_state=0), (x * 0, y, s * 0, images))
    assert np.bincount(new_y).tolist() == [12, 12]
    assert not new_x.any() and not new_s.any()


def dataset(sizes, n_images=2):
    """Cells of two slices with several images each, and their first labels."""
    x, y, s, images = slice_of(sizes, n_images)
    slices = np.where(images == "image_0", "a", "b").astype(object)
    return cells_of(x, s, images, slice=slices), y


def test_balanced_cells_are_the_given_ones_and_synthetic_ones_with_their_parents():
    cells, y = dataset([30, 8, 3])
    n = len(cells)
    balanced = SpaCSMOTE(random_state=0).balance(cells, y)
    assert len(balanced) == 90 and balanced.n_original == n == len(cells)
    assert np.bincount(balanced.pseudolabels).tolist() == [30, 30, 30]
    assert balanced.ids[n] == "synthetic-0" and len(set(balanced.ids)) == 90
    kept = balanced.original()
    assert np.array_equal(kept.ids, cells.ids) and np.array_equal(kept.matrix, cells.matrix)
    assert np.array_equal(kept.coordinates, cells.coordinates)
    assert np.array_equal(kept.pseudolabels, y)
    base = balanced.parents[:, 0]
    for of_cell in ("image", "slice"):
        values = getattr(balanced, of_cell)
        assert np.array_equal(values[n:], values[base])
    assert np.array_equal(balanced.pseudolabels[n:], y[base])
    assert balanced.matrix.dtype == balanced.coordinates.dtype == np.float32
    assert balanced.preprocessing == cells.preprocessing


@pytest.mark.parametrize("within", ["cohort", "slice", "image"])
def test_partners_by_expression_share_what_the_setting_says(within):
    rng = np.random.default_rng(0)
    cells, y = dataset([200, 40], n_images=4)  # image_0 is slice a, the others slice b
    cells.features["protein"][:] = rng.normal(size=(240, 4))
    sampler = SpaCSMOTE("expression_only", expression_within=within, random_state=0)
    i, j = sampler.balance(cells, y).parents.T
    joined = {
        of: np.mean(getattr(cells, of)[i] != getattr(cells, of)[j]) for of in ("image", "slice")
    }
    assert (joined["image"] > 0.2) == (within != "image")
    assert (joined["slice"] > 0.2) == (within == "cohort")
    if within != "cohort":
        assert joined["slice"] == 0
    if within == "image":
        assert joined["image"] == 0


def test_all_modalities_of_a_synthetic_cell_share_one_lambda():
    cells, y = dataset([60, 12])
    rng = np.random.default_rng(1)
    rna = rng.normal(size=(72, 6)).astype(np.float32)
    cells = replace(
        cells,
        features=cells.features | {"rna": rna},
        names=cells.names | {"rna": np.array([f"g{i}" for i in range(6)], dtype=object)},
    )
    sampler = SpaCSMOTE(n_neighbors=3, random_state=0)
    balanced = sampler.balance(cells, y)
    i, j = balanced.parents.T
    for m, x in balanced.features.items():
        assert np.array_equal(x[:72], cells.features[m])
        ratio, off = position(x[72:], x[i], x[j])
        np.testing.assert_allclose(ratio, sampler.lambda1_, atol=1e-3)
        assert off.max() < 1e-3
    # partners are the neighbours in both modalities side by side
    alone = sampler.balance(replace(cells, features={"rna": rna}), y)
    assert not np.array_equal(alone.parents, balanced.parents)


@pytest.mark.parametrize("variant", ["constrained", "none"])
def test_balanced_cells_survive_a_file(tmp_path, variant):
    balanced = SpaCSMOTE(variant, random_state=0).balance(*dataset([20, 5]))
    write_cells(balanced, tmp_path / "cells.h5mu")
    again = read_cells(tmp_path / "cells.h5mu", "balanced")
    assert np.array_equal(again.ids, balanced.ids)
    assert np.array_equal(again.parents, balanced.parents)
    assert np.array_equal(again.pseudolabels, balanced.pseudolabels)
    assert np.array_equal(again.matrix, balanced.matrix)


def test_the_variant_none_adds_nothing_but_the_labels():
    cells, y = dataset([20, 5])
    balanced = SpaCSMOTE("none").balance(cells, y)
    assert np.array_equal(balanced.matrix, cells.matrix)
    assert np.array_equal(balanced.pseudolabels, y)
    assert balanced.parents.shape == (0, 2)


def test_hundreds_of_tiny_images_are_balanced_with_one_warning_a_class(caplog):
    cells, y = dataset([900, 200], n_images=200)
    for within, warnings in (("cohort", 0), ("image", 1)):
        caplog.clear()
        for pool in ("cell", "class"):
            balanced = SpaCSMOTE(pool=pool, expression_within=within, random_state=0).balance(
                cells, y
            )
            assert np.bincount(balanced.pseudolabels).tolist() == [900, 900]
        assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 2 * warnings


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
    ("parameter", "value", "allowed"),
    [
        ("variant", "smote", "one of constrained, same_lambda"),
        ("pool", "all", "one of cell, class"),
        ("imbalance_ratio", 0.5, "a number >= 1"),
        ("boundary", 0.5, "a number between 0 and 0.5"),
        ("boundary_probability", 1.1, "a number from 0 to 1"),
        ("n_neighbors", 0, "a whole number >= 1"),
        ("n_neighbors", "5", "a whole number >= 1"),
        ("n_neighbors", 2.5, "a whole number >= 1"),
        ("spatial_neighbors", "none", "same_label, any"),
        ("expression_within", "tissue", "one of image, slice, cohort"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameter, value, allowed):
    with pytest.raises(UserError) as error:
        resample(SpaCSMOTE(**{parameter: value}), slice_of([5, 2]))
    assert f"SpaCSMOTE: {parameter} is {value!r}, allowed is" in str(error.value)
    assert allowed in str(error.value)


def test_arrays_that_do_not_fit_are_refused():
    x, y, s, images = slice_of([5, 2])
    for wrong in (
        {"coordinates": s[1:]},
        {"coordinates": s, "images": images[1:]},
        {"coordinates": s, "groups": images[1:]},
    ):
        with pytest.raises(UserError, match="differ in length"):
            SpaCSMOTE().fit_resample(x, y, **wrong)


def test_alone_the_sampler_allows_what_the_configuration_does():
    settings = STAGES["oversample"].settings
    words = [word for schema in settings.values() for word in schema.get("enum", ())]
    assert set(ALLOWED) == set(settings)
    for key, (fits, _) in ALLOWED.items():
        validator = jsonschema.Draft202012Validator(settings[key])
        for value in [*words, "odd", -1, 0, 0.1, 0.5, 0.9, 1, 1.5, 2]:
            assert fits(value) == validator.is_valid(value), (key, value)
