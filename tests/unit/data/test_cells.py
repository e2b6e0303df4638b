"""Cells: rows, groups, and modalities side by side."""

from dataclasses import replace

import numpy as np
import pytest
from planted import cells_of, expression_types, oversampled

from spclust.data.cells import Cells


def two_modalities(n=50):
    rng = np.random.default_rng(0)
    cells = cells_of(rng.normal(size=(n, 3)))
    features = {"rna": rng.normal(scale=9, size=(n, 40)).astype(np.float32)}
    features["adt"] = cells.features["protein"]
    names = {m: np.array([f"f{i}" for i in range(x.shape[1])]) for m, x in features.items()}
    return Cells(**vars(cells) | {"features": features, "names": names, "preprocessing": {}})


def test_one_modality_is_the_matrix_itself():
    cells, _ = expression_types(0)
    assert cells.matrix is cells.features["protein"]
    assert list(cells.feature_names) == list(cells.names["protein"])


def test_modalities_side_by_side_weigh_alike():
    cells = two_modalities()
    assert cells.matrix.shape == (50, 43) and cells.matrix.dtype == np.float32
    rna, adt = cells.matrix[:, :40].var(axis=0).sum(), cells.matrix[:, 40:].var(axis=0).sum()
    assert rna == pytest.approx(1, rel=1e-4) and adt == pytest.approx(1, rel=1e-4)
    assert cells.feature_names[0] == "rna:f0" and cells.feature_names[-1] == "adt:f2"


def test_other_cells_are_weighed_as_those_that_were_prepared():
    cells = two_modalities()
    spread = {m: {"settings": {}, "constants": {"spread": np.float64(2.0)}} for m in cells.features}
    other = Cells(**vars(cells) | {"preprocessing": spread})
    assert np.allclose(other.matrix[:, 40:], cells.features["adt"] / 2)
    assert np.array_equal(other.take([3, 1]).matrix, other.matrix[[3, 1]])


def test_groups_are_as_wide_as_asked():
    cells = cells_of(np.ones((4, 2)), image=["a", "a", "b", "c"], slice=np.array(list("xxxy")))
    assert len(set(cells.groups("cohort"))) == 1
    assert cells.groups("slice").tolist() == [0, 0, 0, 1]
    assert cells.groups("image").tolist() == [0, 0, 1, 2]


def test_synthetic_cells_come_last_and_can_be_left_out():
    cells, _ = expression_types(0, n=40)
    both = oversampled(cells, 10)
    assert len(both) == 50 and both.n_original == 40
    assert np.array_equal(both.original().matrix, cells.matrix)
    assert cells.original() is cells


def test_features_left_aside_go_with_the_cells_and_not_into_the_matrix():
    aside = np.arange(5, dtype=np.float32)[:, None]
    cells = replace(
        cells_of(np.eye(5), names=list("abcde")),
        aside={"protein": aside},
        aside_names={"protein": np.array(["z"], dtype=object)},
    )
    some = cells.take([3, 1])
    assert some.matrix.shape == (2, 5) and some.feature_names.tolist() == list("abcde")
    whole = some.whole()
    assert whole.feature_names.tolist() == list("abcdez") and not whole.aside
    assert whole.matrix[:, -1].tolist() == [3, 1]
    assert whole.whole() is whole
