"""An h5ad keeps what it holds; its faults are named by cell and protein."""

from pathlib import Path

import anndata
import numpy as np
import pytest
import scipy.sparse as sp

from spclust.errors import UserError
from spclust.io.importing import import_cells


@pytest.mark.parametrize("kind", ["dense", "csr", "csc", "int"])
def test_an_h5ad_keeps_what_it_holds(h5ad, frame, kind):
    def change(cells):
        if kind == "int":
            cells.X = (cells.X * 10).astype(int)
        elif kind != "dense":
            cells.X = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[kind](cells.X)
        cells.layers["raw"] = cells.X
        cells.uns["note"] = "mine"
        cells.obsm["X_pca"] = np.ones((120, 3))

    cells = import_cells([h5ad(change)], {})
    assert cells.X.dtype == np.float32 and sp.issparse(cells.X) == (kind in ("csr", "csc"))
    assert cells.uns["note"] == "mine" and {"X_pca", "spatial"} <= set(cells.obsm)
    assert "raw" in cells.layers
    assert list(cells.obs["image"]) == list(frame["sample"])
    assert cells.obs["label"].value_counts().to_dict() == {"T": 60, "B": 50}


def test_an_h5ad_may_have_its_coordinates_in_obs(h5ad, frame):
    def change(cells):
        del cells.obsm["spatial"]
        cells.obs["X_centroid"], cells.obs["Y_centroid"] = frame["X"].values, frame["Y"].values

    cells = import_cells([h5ad(change)], {})
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)


def test_an_h5ad_column_may_name_the_cells(h5ad):
    def change(cells):
        cells.obs["who"] = [f"n{i}" for i in range(120)]

    assert import_cells([h5ad(change)], {"cell_id": "who"}).obs_names[0] == "n0"


def test_an_import_can_be_imported_again(h5ad, tmp_path):
    first = import_cells([h5ad()], {})
    first.write_h5ad(tmp_path / "again.h5ad")
    second = import_cells([tmp_path / "again.h5ad"], {"image": "image", "label": "label"})
    assert list(second.obs["image"]) == list(first.obs["image"])
    assert second.obs["label"].value_counts().to_dict() == {"T": 60, "B": 50}
    assert "image_original" not in second.obs


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
    "NaN": (lambda c: c.X.__setitem__((5, 1), np.nan), {}, "cell 'c5', protein 'CD20'"),
    "sparse inf": (
        lambda c: anndata.AnnData(
            sp.csr_matrix(np.where(c.X == c.X[5, 1], np.inf, c.X)), c.obs, c.var, obsm=c.obsm
        ),
        {}, "cell 'c5', protein 'CD20'",
    ),
    "coordinate": (
        lambda c: c.obsm["spatial"].__setitem__((2, 1), np.nan), {}, "row of obs 2.*spatial.*miss"
    ),
    "no coordinates": (lambda c: c.obsm.pop("spatial") is None, {}, "no obsm.'spatial'.*x:  and"),
    "flat coordinates": (
        lambda c: c.obsm.__setitem__("spatial", np.ones((120, 1))), {}, r"has the shape \(120, 1\)"
    ),
    "repeated cells": (repeat_names, {"image": None}, r"'c0' is repeated \(row of obs 0, 1\)"),
    "repeated proteins": (
        lambda c: c.var.__setattr__("index", ["CD3", "CD3"]), {}, "CD3 stand more than once in var"
    ),
    "unknown label": (None, {"label": "type"}, "obs: there is no column 'type'.*cell_type"),
    "unknown x": (None, {"x": "u", "y": "v"}, "there is no column 'u', which `x`"),
    "only x": (None, {"x": "Area"}, "no two obs columns"),
}  # fmt: skip


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
        file["matrix"] = np.ones(3)
    with pytest.raises(UserError, match="no AnnData with X, obs and var"):
        import_cells([tmp_path / "other.h5ad"], {})
