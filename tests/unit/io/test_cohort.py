"""Slices joined: features in common, names apart, labels judged over all, faults named."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spclust.data.cell_files import dense, read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io import cohort
from spclust.plan.datasets import load_schema
from spclust.plan.schema_messages import check

mudata.set_options(pull_on_update=False)


def part(name, features, labels=(), images=("image",), n=20, obs=None, sparse=False, seed=0):
    """A slice as import_cells leaves it: cells c0, c1 ..., the labels one after the other."""
    rng = np.random.default_rng(seed)
    if not isinstance(features, dict):
        features = {"protein": features}
    ids = [f"c{i}" for i in range(n)]
    mod = {}
    for m, names in features.items():
        x = rng.uniform(size=(n, len(names))).astype(np.float32)
        frame = pd.DataFrame(obs or {}, index=ids)
        x = sp.csr_matrix(x) if sparse else x
        mod[m] = anndata.AnnData(x, obs=frame, var=pd.DataFrame(index=list(names)))
        mod[m].layers["raw"] = x
        mod[m].obsm["X_own"] = rng.uniform(size=(n, 2 + seed))
    data = mudata.MuData(mod)
    data.obs["image"] = pd.Categorical(np.resize(images, n))
    data.obs["slice"] = pd.Categorical([name] * n)
    data.obsm["spatial"] = rng.uniform(size=(n, 2)).astype(np.float32)
    table = pd.DataFrame({"cell": ids[: len(labels)], "label": list(labels)})
    return name, data, table.assign(scored=False)


def test_every_cell_keeps_its_values_under_its_new_name(tmp_path):
    parts = [
        part("one", ["CD3", "CD20", "CD8"], images=["image", "left"], seed=1),
        part("two", ["CD8", "Ki67", "CD3"], n=30, seed=2),
    ]
    data, labels = cohort.join(parts, 0)
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    assert list(data["protein"].var_names) == ["CD3", "CD8"] and data.n_obs == 50
    assert data.obs_names.is_unique and data["protein"].obs_names.equals(data.obs_names)
    for name, own, _ in parts:
        rows = [f"{name}_{cell}" for cell in own.obs_names]
        np.testing.assert_array_equal(data["protein"][rows].X, own["protein"][:, ["CD3", "CD8"]].X)
        at = data.obs_names.get_indexer(rows)
        np.testing.assert_array_equal(data.obsm["spatial"][at], own.obsm["spatial"])
        assert set(data.obs["slice"].iloc[at]) == {name}
    assert data.obs["image"].value_counts().to_dict() == {
        "one_image": 10,
        "one_left": 10,
        "two": 30,
    }
    assert labels.empty and list(labels) == ["cell", "label", "scored"]


def test_slices_stay_in_the_order_given():
    data, _ = cohort.join([part(name, ["a", "b"]) for name in ("z", "k", "a")], 0)
    assert list(data.obs["slice"].cat.categories) == ["z", "k", "a"]
    assert list(data.obs["slice"].unique()) == ["z", "k", "a"]


def test_sparse_and_dense_slices_of_several_modalities_join(tmp_path):
    features = {"rna": ["g1", "g2", "g3"], "adt": ["a", "b"]}
    swapped = dict(reversed(features.items()))
    parts = [part("one", features, sparse=True, seed=1), part("two", swapped, seed=2)]
    data, _ = cohort.join(parts, 0)
    write_mudata(data, tmp_path / "cells.h5mu")
    cells = read_mudata(tmp_path / "cells.h5mu", "imported")
    assert list(cells.mod) == ["rna", "adt"] and cells["rna"].X.dtype == np.float32
    for rows, (_, own, _) in zip((slice(20), slice(20, 40)), parts):
        for m in features:
            found = dense(cells[m].X[rows])
            np.testing.assert_array_equal(found, dense(own[m].X))


def test_columns_of_any_slice_are_kept_and_can_be_written(tmp_path):
    one = part("one", ["a", "b"], obs={"grade": [1, 2] * 10, "ok": True, "site": "lung"})
    two = part("two", ["a", "b"], obs={"grade": ["high"] * 20, "area": 1.5})
    one[1]["protein"].obs["site"] = one[1]["protein"].obs["site"].astype("category")
    one[1].obs["patient"] = "p1"
    data, _ = cohort.join([one, two], 0)
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    obs = data["protein"].obs
    assert list(obs["grade"].iloc[[0, 1, 20]]) == ["1", "2", "high"]
    assert list(obs["site"].iloc[:1]) == ["lung"] and obs["site"].isna().sum() == 20
    assert obs["area"].iloc[-1] == 1.5 and obs["ok"].isna().sum() == 20
    assert data.obs["patient"].notna().sum() == 20


def test_classes_are_scored_by_their_size_in_the_whole_cohort():
    parts = [
        part("one", ["a", "b"], ["T"] * 6 + ["B"] * 4 + ["NK"] * 2),
        part("two", ["a", "b"], ["B"] * 3 + ["NK"] * 3),
    ]
    _, labels = cohort.join(parts, 6)
    assert labels.loc[labels["scored"], "label"].value_counts().to_dict() == {"B": 7, "T": 6}
    assert labels.loc[~labels["scored"], "label"].value_counts().to_dict() == {"NK": 5}
    assert list(labels["cell"].iloc[[0, 12]]) == ["one_c0", "two_c0"]
    assert labels["scored"].dtype == bool


def test_a_slice_without_labels_is_said(caplog):
    parts = [part("one", ["a", "b"], ["T"] * 6), part("two", ["a", "b"])]
    parts[1] = (*parts[1][:2], pd.DataFrame(columns=["cell", "label", "scored"]))
    _, labels = cohort.join(parts, 0)
    assert len(labels) == 6 and "no cell of two has a reference label" in caplog.text


def test_features_are_the_same_however_a_laboratory_spells_them(caplog):
    parts = [
        part("one", ["CD3", "HLA-DR", "CD8", "PanCK", "Ki67"], ["T cell", "CD4+", "CD4-"]),
        part("two", ["PD1", "cd3", "Cytokeratin", "HLA_DR", "CD8a"], ["t cell", "CD4+"]),
    ]
    data, _ = cohort.join(parts, 0)
    assert list(data["protein"].var_names) == ["CD3", "HLA-DR", "CD8", "PanCK"]
    theirs = parts[1][1]["protein"][:, ["cd3", "HLA_DR", "CD8a", "Cytokeratin"]].X
    np.testing.assert_array_equal(data["protein"].X[-len(theirs) :], theirs)
    assert "4 features of two are taken for those of the first slice" in caplog.text
    assert "CD8a is CD8" in caplog.text
    assert "1 features of one are not in all slices and are left out: Ki67" in caplog.text
    assert "T cell (one) and t cell (two)" in caplog.text and "CD4- (" not in caplog.text


def test_slices_with_the_same_features_are_joined_without_a_word(caplog):
    cohort.join([part("one", ["a", "b"], ["T"]), part("two", ["a", "b"], ["T"])], 1)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


FAULTS = {
    "no feature in common": (
        [part("one", ["CD3", "CD8"]), part("two", ["cd31", "cd20"])],
        "no feature of 'protein' in common. Features are such as",
    ),
    "none of one modality": (
        [
            part("one", {"rna": ["x", "y"], "adt": ["a", "b"]}),
            part("two", {"rna": ["x", "y"], "adt": ["c", "d"]}),
        ],
        "no feature of 'adt' in common",
    ),
    "one feature": (
        [part("one", ["CD3", "CD8"]), part("two", ["CD3", "CD20"])],
        "one feature of 'protein'",
    ),
    "other modalities": (
        [part("one", ["a", "b"]), part("two", {"protein": ["a", "b"], "rna": ["c", "d"]})],
        "'one' and 'two' differ in their modalities: protein against protein, rna.*modality:",
    ),
    "image names": (
        [part("a", ["x", "y"], images=["b", "c"]), part("a_b", ["x", "y"])],
        "images of two slices are both named 'a_b'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_slices_that_do_not_fit_are_refused(fault):
    parts, message = FAULTS[fault]
    with pytest.raises(UserError, match=message):
        cohort.join(parts, 0)


def test_cell_names_that_run_into_each_other_are_refused():
    one, two = part("p", ["x", "y"]), part("p_1", ["x", "y"])
    for data in (one[1], one[1]["protein"]):
        data.obs_names = [f"1_c{i}" for i in range(20)]
    with pytest.raises(UserError, match="cells of two slices are both named 'p_1_c0'.*rename"):
        cohort.join([one, two], 0)


@pytest.mark.parametrize("key", ["drop_unscored", "label", "format", "modality"])
def test_what_is_read_of_files_is_said_of_slices_not_of_the_cohort(key):
    entry = {"name": "study", "slices": ["one", {"name": "two", "path": "b.csv"}]}
    check(entry | {"min_label_size": 5}, load_schema("dataset"), "configuration")
    with pytest.raises(UserError, match=f"unknown key '{key}'; remove it .*slices"):
        check(entry | {key: "h5ad"}, load_schema("dataset"), "configuration")
