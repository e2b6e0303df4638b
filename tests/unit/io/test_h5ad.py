"""An h5ad keeps what it holds; its faults are named by cell and protein."""

import re
import time
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml

from spclust.data.cell_files import read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io import hdf5
from spclust.io.importing import import_cells


@pytest.mark.parametrize("kind", ["dense", "csr", "csc", "int"])
def test_an_h5ad_keeps_what_it_holds(h5ad, frame, kind, tmp_path):
    def change(cells):
        if kind == "int":
            cells.X = (cells.X * 10).astype(int)
        elif kind != "dense":
            cells.X = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[kind](cells.X)
        cells.layers["counts"] = cells.X
        cells.raw = cells.copy()
        cells.uns["note"] = "mine"
        cells.obsm["X_pca"] = np.ones((120, 3))

    data, labels = import_cells([h5ad(change)], {"name": "mine"})
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    cells = data["protein"]
    assert cells.X.dtype == np.float32 and sp.issparse(cells.X) == (kind in ("csr", "csc"))
    assert cells.uns["note"] == "mine" and {"X_pca", "spatial"} <= set(cells.obsm)
    assert "counts" in cells.layers and cells.raw.shape == (120, 2)
    assert list(cells.obs["cell_type"]) == list(frame["cell_type"])
    assert list(data.obs["image"]) == list(frame["sample"])
    assert set(data.obs) == {"image", "slice"} and set(data.obs["slice"]) == {"mine"}
    assert data.obsm["spatial"].dtype == np.float32
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert list(labels) == ["cell", "label", "scored"]
    assert labels["label"].value_counts().to_dict() == {"T": 60, "B": 50, "NK": 6}
    assert set(labels.loc[~labels["scored"], "label"]) == {"NK"}


def test_an_h5ad_may_have_its_coordinates_in_obs(h5ad, frame):
    def change(cells):
        del cells.obsm["spatial"]
        cells.obs["X_centroid"], cells.obs["Y_centroid"] = frame["X"].values, frame["Y"].values

    cells, _ = import_cells([h5ad(change)], {})
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)


def test_cells_that_were_never_in_a_tissue_have_no_places(h5ad, frame, save, tmp_path):
    dissociated = h5ad(lambda c: c.obsm.pop("spatial") is None or None)
    table = save(frame.drop(columns=["X", "Y"]))
    for path, nowhere in ((dissociated, {"x": None}), (table, {"x": None, "y": None})):
        data, labels = import_cells([path], nowhere)
        write_mudata(data, tmp_path / "cells.h5mu")
        again = read_mudata(tmp_path / "cells.h5mu", "imported")
        assert again.obsm["spatial"].shape == (120, 2) and np.isnan(again.obsm["spatial"]).all()
        assert again.obs["image"].nunique() == 2 and len(labels) == 116
        assert again["protein"].shape == (120, 2)
    with pytest.raises(UserError, match="`y` of the dataset is given and `x` is not"):
        import_cells([table], {"x": None, "y": "Area"})


def test_an_h5ad_column_may_name_the_cells(h5ad):
    def change(cells):
        cells.obs["who"] = [f"n{i}" for i in range(120)]

    data, labels = import_cells([h5ad(change)], {"cell_id": "who"})
    assert data.obs_names[0] == data["protein"].obs_names[0] == labels["cell"][0] == "n0"


def test_an_import_can_be_imported_again(h5ad, tmp_path):
    first, labels = import_cells([h5ad()], {})
    cells = first["protein"].copy()
    cells.obs = cells.obs.join(first.obs).join(labels.set_index("cell")["label"])
    cells.write_h5ad(tmp_path / "again.h5ad")
    cfg = {"image": "image", "label": "label"}
    second, again = import_cells([tmp_path / "again.h5ad"], cfg)
    pd.testing.assert_frame_equal(second.obs, first.obs)
    pd.testing.assert_frame_equal(again, labels)
    obs = second["protein"].obs
    assert {"label_original", "slice_original"} <= set(obs) and "image_original" not in obs


def test_the_one_modality_may_have_another_name_and_genes_are_no_stains(h5ad, caplog):
    def genes(cells):
        cells.var_names = ["CD3E", "DNA2"]

    data, _ = import_cells([h5ad(genes)], {"modality": "rna"})
    assert list(data.mod) == ["rna"] and list(data["rna"].var_names) == ["CD3E", "DNA2"]
    assert "stains" not in caplog.text


def test_two_h5ad_files_are_no_dataset(h5ad):
    with pytest.raises(UserError, match="one h5ad file a dataset"):
        import_cells([h5ad(name="a.h5ad"), h5ad(name="b.h5ad")], {})


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_h5ad_is_named(h5ad, tmp_path, share):
    whole = Path(h5ad()).read_bytes()
    (tmp_path / "cut.h5ad").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match="cut.h5ad: the file is truncated or damaged"):
        import_cells([tmp_path / "cut.h5ad"], {})


def repeat_names(cells):
    cells.obs_names = ["c0", "c0", *cells.obs_names[2:]]


H5AD_FAULTS = {
    "NaN": (lambda c: c.X.__setitem__((5, 1), np.nan), {}, "cell 'c5', feature 'CD20'"),
    "sparse inf": (
        lambda c: anndata.AnnData(
            sp.csr_matrix(np.where(c.X == c.X[5, 1], np.inf, c.X)), c.obs, c.var, obsm=c.obsm
        ),
        {},
        "cell 'c5', feature 'CD20'",
    ),
    "coordinate": (
        lambda c: c.obsm["spatial"].__setitem__((2, 1), np.nan),
        {},
        "row of obs 2, cell 'c2'.*spatial.*place is missing .1 of 120.*isfinite",
    ),
    "no coordinates": (lambda c: c.obsm.pop("spatial") is None, {}, "no obsm.'spatial'.*x:  and"),
    "flat coordinates": (
        lambda c: c.obsm.__setitem__("spatial", np.ones((120, 1))),
        {},
        r"has the shape \(120, 1\)",
    ),
    "repeated cells": (repeat_names, {"image": None}, r"'c0' is repeated \(row of obs 0, 1\)"),
    "repeated proteins": (
        lambda c: c.var.__setattr__("index", ["CD3", "CD3"]),
        {},
        "CD3 stand more than once in var",
    ),
    "one protein": (lambda c: c[:, :1].copy(), {}, "has one feature, 'CD3', and at least 2"),
    "no protein": (lambda c: c[:, :0].copy(), {}, "120 cells and 0 features"),
    "unknown label": (None, {"label": "type"}, "obs: there is no column 'type'.*cell_type"),
    "unknown x": (None, {"x": "u", "y": "v"}, "there is no column 'u', which `x`"),
    "only x": (None, {"x": "Area"}, "`x` of the dataset is given and `y` is not"),
}


@pytest.mark.filterwarnings("ignore:.*names are not unique")
@pytest.mark.parametrize("fault", H5AD_FAULTS)
def test_a_fault_of_an_h5ad_is_named_with_its_remedy(h5ad, fault):
    change, cfg, message = H5AD_FAULTS[fault]

    def changed(cells):
        result = change(cells) if change else None
        return result if isinstance(result, anndata.AnnData) else None

    with pytest.raises(UserError, match=message) as error:
        import_cells([h5ad(changed)], cfg)
    assert "cells.h5ad" in str(error.value)


def test_an_hdf5_file_of_another_kind_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["numbers"] = np.ones(3)
    with pytest.raises(UserError, match="not an AnnData with X, obs and var"):
        import_cells([tmp_path / "other.h5ad"], {})


def test_a_file_in_which_hdf5_loops_is_refused(h5ad, monkeypatch):
    """Zeros in the heap of texts make the library follow a chain that leads nowhere."""
    path = Path(h5ad())
    content = bytearray(path.read_bytes())
    monkeypatch.setattr(hdf5, "LOOK", 3)
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 1016] = bytes(1000)
    path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(UserError, match="cells.h5ad: the file is (truncated or )?damaged"):
        import_cells([path], {})
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("value", [np.void(b"abc"), np.array([np.void(b"abc")] * 3)])
def test_what_cannot_be_written_again_of_uns_is_left_out_with_a_warning(
    h5ad, value, tmp_path, caplog
):
    path = h5ad(lambda cells: cells.uns.update(kept={"a": [1, 2]}))
    with h5py.File(path, "a") as file:
        file["uns"].create_dataset("blob", data=value)
    data, _ = import_cells([path], {})
    write_mudata(data, tmp_path / "out.h5mu")
    again = read_mudata(tmp_path / "out.h5mu", "imported")
    assert set(again.mod["protein"].uns) == {"kept"} and "uns['blob']" in caplog.text


@pytest.mark.parametrize("kind", [bool, np.float16, np.uint8, np.uint16, np.int64])
def test_numbers_of_every_type_are_read(h5ad, kind):
    def change(cells):
        cells.X = (cells.X > 1).astype(kind)

    data, _ = import_cells([h5ad(change)], {})
    assert data["protein"].X.dtype == np.float32 and set(np.unique(data["protein"].X)) == {0, 1}


def test_half_a_float_is_named_as_the_cause_of_infinite_values(h5ad):
    def change(cells):
        cells.X[0, 0] = 1e6
        with np.errstate(over="ignore"):
            cells.X = cells.X.astype(np.float16)

    with pytest.raises(UserError, match="float16 has no numbers above 65504.*float32"):
        import_cells([h5ad(change)], {})


def test_groups_of_others_and_kinds_that_are_not_known_are_left_out_and_said(h5ad, caplog):
    def change(cells):
        cells.raw = cells.copy()
        cells.uns["kept"] = {"a": 1}

    path = h5ad(change)
    with h5py.File(path, "r+") as file:
        file["__DATA_TYPES__/Enum_Boolean"] = np.dtype("i1")
        file["uns/kept/odd"] = np.dtype("i1")
        file.create_group("obsm/geo").attrs.update({"encoding-type": "r", "encoding-version": "1"})
    data, _ = import_cells([path], {})
    assert "left out" in caplog.text
    for name in ("/__DATA_TYPES__", "/uns/kept/odd", "/obsm/geo"):
        assert name in caplog.text
    assert data["protein"].uns["kept"] == {"a": 1} and data["protein"].raw.shape == (120, 2)
    with h5py.File(path, "r+") as file:
        file["X"].attrs["encoding-type"] = "strange"
    with pytest.raises(UserError, match="X is of a kind that .* does not read") as error:
        import_cells([path], {})
    assert "damaged" not in str(error.value)


def test_a_file_of_layers_alone_is_answered_with_the_line_that_names_one(h5ad, frame):
    def change(cells):
        cells.layers["exprs"], cells.layers["counts"] = cells.X + 1, cells.X
        cells.X = None

    path = h5ad(change)
    with pytest.raises(UserError, match="no X but counts, exprs.*  layer: counts  in"):
        import_cells([path], {})
    data, _ = import_cells([path], {"layer": "counts"})
    np.testing.assert_allclose(data["protein"].X, frame[["CD3", "CD20"]], rtol=1e-6)


@pytest.mark.parametrize("cfg", [{}, {"exclude_proteins": ["^CD8$"]}])
def test_the_remedy_for_features_with_gaps_works_once_pasted(h5ad, cfg):
    names = ["CD3 (UCHT1)", "HLA-DR+", "it's", "CD8", "DNA1", "CD4", "CD20"]

    def change(cells):
        values = np.ones((120, len(names)), np.float32)
        values[5, :3] = np.nan
        return anndata.AnnData(values, cells.obs, pd.DataFrame(index=names), obsm=cells.obsm)

    path = h5ad(change)
    with pytest.raises(UserError, match="leave features out with") as error:
        import_cells([path], cfg)
    (line,) = re.findall(r"  (exclude_proteins: .*)$", str(error.value))
    data, _ = import_cells([path], yaml.safe_load(line))
    left = ["CD4", "CD20"] if cfg else ["CD8", "CD4", "CD20"]
    assert list(data["protein"].var_names) == left


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("matrix", "10x Genomics.*path: .cells.parquet, cell_feature_matrix.h5"),
        ("row_attrs", "Loom"),
        ("cell.names", "Seurat"),
        ("assay001", "HDF5Array.*writeH5AD"),
    ],
)
def test_hdf5_files_of_others_are_told_what_to_do(tmp_path, group, message):
    for name in ("cells.h5", "cells.loom", "cells.h5ad"):
        with h5py.File(tmp_path / name, "w") as file:
            file[group] = np.ones(3)
        with pytest.raises(UserError, match=message):
            import_cells([tmp_path / name], {})
