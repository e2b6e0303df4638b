"""Several modalities of the same cells: joined by name, each checked, what all share kept."""

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spclust.data.cell_files import read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io.importing import import_cells


@pytest.fixture
def pair(two, tmp_path):
    def write(change=lambda parts: None):
        change(two)
        path = {m: str(tmp_path / f"{m}.h5ad") for m in two}
        for m, part in two.items():
            part.write_h5ad(path[m])
        return {"paths": list(path.values()), "cfg": {"path": path, "name": "mine"}}

    return write


def test_an_h5mu_gives_its_modalities_with_the_same_cells(h5mu, two, frame, tmp_path):
    def change(data):
        data.obs["patient"], data.obs["image"] = "p1", "one"
        data.obsm["X_wnn"], data.uns["note"] = np.ones((120, 2)), "mine"
        data.obsp["wnn"] = sp.eye_array(120, format="csr")

    data, labels = import_cells([h5mu(change)], {"image": "sample", "name": "mine"})
    write_mudata(data, tmp_path / "out.h5mu")
    data = read_mudata(tmp_path / "out.h5mu", "imported")
    assert list(data.mod) == ["rna", "adt"]
    for m, part in data.mod.items():
        assert list(part.obs_names) == list(data.obs_names) == [f"c{i}" for i in range(120)]
        wanted = two[m][data.obs_names, part.var_names].X
        np.testing.assert_array_equal(part.X, wanted)
    # a stain among tags is none among genes
    assert list(data["adt"].var_names) == ["CD3", "CD20"]
    assert list(data["rna"].var_names) == ["CD3E", "MS4A1", "DNA2"]
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert list(data.obs["image"]) == list(frame["sample"])
    assert set(data.obs) == {"image", "slice", "patient", "image_original"}
    assert "X_wnn" in data.obsm and "wnn" in data.obsp and data.uns["note"] == "mine"
    assert labels["label"].value_counts().to_dict() == {"T": 60, "B": 50, "NK": 6}


def test_places_and_labels_may_belong_to_all_modalities(h5mu, two):
    del two["rna"].obsm["spatial"]

    def change(data):
        data.obs["cell_type"] = ["A"] * 50 + ["B"] * 70
        data.obsm["spatial"] = np.arange(240.0).reshape(120, 2)

    data, labels = import_cells([h5mu(change)], {})
    np.testing.assert_array_equal(data.obsm["spatial"], np.arange(240.0).reshape(120, 2))
    assert labels["label"].value_counts().to_dict() == {"B": 70, "A": 50}


def test_a_column_that_differs_between_modalities_is_said_if_it_is_used(h5mu, two, caplog):
    two["adt"].obs["cell_type"], two["adt"].obs["total"] = "C", 1
    two["rna"].obs["total"] = 2
    _, labels = import_cells([h5mu()], {})
    assert "'cell_type' is not the same in all modalities (120 cells differ)" in caplog.text
    assert "C" not in set(labels["label"]) and "total" not in caplog.text


def test_an_h5mu_of_one_modality_is_a_dataset(h5mu, two):
    del two["adt"]
    data, _ = import_cells([h5mu()], {"modality": "other"})
    assert list(data.mod) == ["rna"] and data.n_obs == 120


def test_files_named_by_modality_are_joined_on_their_cells(pair, frame):
    data, labels = import_cells(**pair())
    assert list(data.mod) == ["rna", "adt"] and set(data.obs["slice"]) == {"mine"}
    np.testing.assert_allclose(data["adt"].X, frame[["CD3", "CD20"]], rtol=1e-6)
    assert len(labels) == 116 and data["adt"].obs_names.equals(data.obs_names)


@pytest.mark.parametrize("kind", ["h5mu", "pair"])
def test_cells_of_one_modality_only_are_left_out_and_said(two, kind, request, caplog, frame):
    two["adt"] = two["adt"][20:].copy()  # c99 to c0
    two["rna"] = two["rna"][10:].copy()  # c10 to c119
    write = request.getfixturevalue(kind)
    data, labels = import_cells(**write()) if kind == "pair" else import_cells([write()], {})
    assert data.n_obs == data["rna"].n_obs == data["adt"].n_obs == 90
    assert data.obs_names[0] == "c10" and labels["cell"].isin(data.obs_names).all()
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]][10:100], rtol=1e-6)
    said = next(r for r in caplog.records if "in all modalities" in r.message)
    assert said.levelname == "WARNING" and "90 cells are in all modalities" in said.message
    assert "rna 110, adt 100" in said.message


@pytest.mark.parametrize("kind", ["h5mu", "pair"])
def test_cells_of_one_modality_only_are_refused_where_that_is_asked(two, kind, request):
    two["adt"] = two["adt"][20:].copy()  # c99 to c0
    write, refuse = request.getfixturevalue(kind), {"different_cells": "refuse"}
    with pytest.raises(UserError, match="rna'?.*, cell 'c100': 20 of its 120 cells are not in all"):
        if kind == "pair":
            given = write()
            import_cells(given["paths"], given["cfg"] | refuse)
        else:
            import_cells([write()], refuse)
    two["adt"] = two["rna"][::-1, :2].copy()
    two["adt"].var_names = ["CD3", "CD20"]
    assert import_cells([request.getfixturevalue("h5mu")()], refuse)[0].n_obs == 120


def test_cells_that_are_not_scored_are_dropped_from_all_modalities(h5mu):
    def change(data):
        data.obsm["X_wnn"] = np.arange(120.0)[:, None]

    data, labels = import_cells([h5mu(change)], {"drop_unscored": True})
    assert data.n_obs == data["adt"].n_obs == len(labels) == 110
    assert list(data.obsm["X_wnn"][:, 0]) == list(range(110))


def spoilt(m, change):
    def spoil(parts):
        changed = change(parts[m])
        parts[m] = parts[m] if changed is None else changed

    return spoil


def one_of(part, value):
    part.X[5, 1] = value


def other_names(part):
    part.obs_names = [f"x{i}" for i in range(part.n_obs)]


def repeated(part):
    part.obs_names = ["c0", "c0", *part.obs_names[2:]]


FAULTS = {
    "one feature": (spoilt("adt", lambda p: p[:, :1].copy()), {}, "'adt' has one feature, 'CD3'"),
    "no feature": (spoilt("adt", lambda p: p[:, :0].copy()), {}, "'adt': it holds 120 .* 0 feat"),
    "no cell": (spoilt("adt", lambda p: p[:0].copy()), {}, "'adt': it holds 0 cells and 3 feat"),
    "no X": (
        spoilt("adt", lambda p: anndata.AnnData(obs=p.obs, var=p.var)),
        {},
        "adt.*(not an .*|no table )X",
    ),
    "NaN": (spoilt("adt", lambda p: one_of(p, np.nan)), {}, "'adt', cell 'c114', feature 'CD20'"),
    "inf": (
        spoilt("rna", lambda p: (one_of(p, np.inf), setattr(p, "X", sp.csr_matrix(p.X)))[-1]),
        {},
        "'rna', cell 'c5', feature 'MS4A1'",
    ),
    "repeated features": (
        spoilt("adt", lambda p: setattr(p, "var_names", ["CD3", "CD3", "CD4"])),
        {},
        "'adt': the names CD3 stand more than once",
    ),
    "all features left out": (
        None,
        {"exclude_proteins": ["CD", "DAPI"]},
        "'adt': no protein columns were found",
    ),
    "other cells": (spoilt("adt", other_names), {}, "no cell in common.*rna: c0, .*adt: x0, "),
    "repeated cells": (spoilt("adt", repeated), {}, "'adt': the cell id 'c0' is repeated"),
    "no places": (spoilt("rna", lambda p: p.obsm.clear()), {}, "no coord"),
    "place": (
        spoilt("rna", lambda p: p.obsm["spatial"].__setitem__((7, 0), np.nan)),
        {},
        "cell c7, .*spatial.*missing",
    ),
    "unknown label": (None, {"label": "type"}, "no column 'type'.*cell_type"),
    "proteins of what": (None, {"proteins": "CD3"}, "`proteins`.*of one modality.*rna, adt"),
}


@pytest.mark.filterwarnings("ignore:.*(names are not unique|Duplicated obs_names)")
@pytest.mark.parametrize("kind", ["h5mu", "pair"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_modality_is_named_with_its_place(h5mu, pair, two, kind, fault):
    change, cfg, message = FAULTS[fault]
    if change:
        change(two)
    with pytest.raises(UserError, match=message) as error:
        if kind == "pair":
            given = pair()
            import_cells(given["paths"], given["cfg"] | cfg)
        else:
            import_cells([h5mu()], cfg)
    assert ("cells.h5mu" if kind == "h5mu" else ".h5ad") in str(error.value)


def test_a_file_under_the_other_suffix_is_recognised(h5mu, h5ad, tmp_path):
    (tmp_path / "mu.h5ad").write_bytes((tmp_path / h5mu()).read_bytes())
    with pytest.raises(UserError, match="mu.h5ad: this is a MuData file; write  format: h5mu"):
        import_cells([tmp_path / "mu.h5ad"], {})
    assert len(import_cells([tmp_path / "mu.h5ad"], {"format": "h5mu"})[0].mod) == 2
    (tmp_path / "ad.h5mu").write_bytes((tmp_path / h5ad()).read_bytes())
    with pytest.raises(UserError, match="ad.h5mu: this is an AnnData file; write  format: h5ad"):
        import_cells([tmp_path / "ad.h5mu"], {})


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_h5mu_is_named(h5mu, tmp_path, share):
    whole = (tmp_path / h5mu()).read_bytes()
    (tmp_path / "cut.h5mu").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match="cut.h5mu: the file is truncated or damaged"):
        import_cells([tmp_path / "cut.h5mu"], {})


def test_modalities_that_share_features_are_refused(two, tmp_path):
    cells = two["rna"]
    other = cells.copy()
    other.obs_names = [f"o{i}" for i in range(120)]
    mudata.MuData({"a": cells, "b": other}, axis=1).write_h5mu(tmp_path / "features.h5mu")
    with pytest.raises(UserError, match="a, b share features, not cells"):
        import_cells([tmp_path / "features.h5mu"], {})


def test_two_h5mu_files_are_no_dataset(h5mu, tmp_path):
    with pytest.raises(UserError, match="one h5mu file a dataset"):
        import_cells([h5mu(), tmp_path / "other.h5mu"], {})


def test_a_mapping_of_tables_is_refused(frame, save):
    path = {"rna": save(frame, "a.csv"), "adt": save(frame.assign(X=frame["Y"]), "b.csv")}
    with pytest.raises(UserError, match="names an h5ad file for each modality.*table"):
        import_cells(list(path.values()), {"path": path})


def test_two_files_without_a_modality_are_answered_with_the_mapping(pair):
    with pytest.raises(UserError, match=r"path: \{rna: rna.h5ad, adt: adt.h5ad\}"):
        import_cells(pair()["paths"], {})


def test_nullable_columns_can_be_written(h5mu, two, tmp_path):
    two["rna"].obs["grade"] = pd.array([1, None] * 60, dtype="Int64")
    two["rna"].obs["flag"] = pd.array([True, None] * 60, dtype="boolean")
    data, _ = import_cells([h5mu()], {})
    write_mudata(data, tmp_path / "out.h5mu")


def test_groups_that_are_no_part_of_a_mudata_are_left_out_and_said(h5mu, caplog):
    path = h5mu()
    with h5py.File(path, "r+") as file:
        file["__DATA_TYPES__/Enum_Boolean"] = np.dtype("i1")
    data, _ = import_cells([path], {})
    assert list(data.mod) == ["rna", "adt"] and "__DATA_TYPES__" in caplog.text
