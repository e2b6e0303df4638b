"""Places of an AnnData are found, or what is in the way is said with the key that helps."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from spclust.errors import UserError
from spclust.io.importing import import_cells


def moved(key, frame=False):
    def change(cells):
        values = cells.obsm.pop("spatial")
        if frame:  # as R keeps places, here y first
            columns = ["Pos_Y", "Pos_X"]
            values = pd.DataFrame(values[:, ::-1], columns=columns, index=cells.obs_names)
        cells.obsm[key] = values

    return change


def no_place(cells):
    cells.obsm["spatial"][:] = np.nan


def no_place_but_in_obs(cells):
    cells.obs["x_centroid"], cells.obs["y_centroid"] = cells.obsm["spatial"].T
    no_place(cells)


def no_place_but_elsewhere(cells):
    cells.obsm["X_umap"] = cells.obsm["spatial"] * 0
    cells.obsm["global"] = cells.obsm["spatial"].copy()
    no_place(cells)


def pasted(message):
    """Keys of the dataset that a message asks for."""
    lines = re.findall(r"  (\w+: \S+)", message)
    return {k: v for line in lines for k, v in yaml.safe_load(line).items()}


@pytest.mark.parametrize(
    "change", [moved("X_spatial"), moved("spatialCoords", True), moved("centroids")]
)
def test_places_under_another_key_are_found_and_said(h5ad, frame, change, caplog):
    data, _ = import_cells([h5ad(change)], {})
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert "    spatial_key: " in caplog.text


def test_a_named_key_is_taken(h5ad, frame):
    path = h5ad(lambda cells: cells.obsm.__setitem__("mine", cells.obsm["spatial"] + 1))
    data, _ = import_cells([path], {"spatial_key": "mine"})
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]] + 1, rtol=1e-6)
    with pytest.raises(UserError, match="no key 'mime', which `spatial_key`.*spatial_key: mine"):
        import_cells([path], {"spatial_key": "mime"})
    with pytest.raises(UserError, match="`spatial_key` and `x` or `y` .* remove one"):
        import_cells([path], {"spatial_key": "mine", "x": None})


def test_an_embedding_is_never_taken_for_places(h5ad):
    with pytest.raises(UserError, match="no coordinates") as error:
        import_cells([h5ad(moved("X_umap"))], {})
    assert "X_umap" not in str(error.value)


def test_two_keys_that_look_alike_are_asked_about(h5ad):
    def change(cells):
        cells.obsm["spatial_px"] = cells.obsm["spatial_um"] = cells.obsm.pop("spatial")

    with pytest.raises(UserError, match="may be the places.*spatial_key: spatial_"):
        import_cells([h5ad(change)], {})


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (no_place_but_in_obs, {"x": "x_centroid", "y": "y_centroid"}),
        (no_place_but_elsewhere, {"spatial_key": "global"}),
    ],
)
def test_what_is_printed_for_places_that_are_all_missing_works_once_pasted(
    h5ad, frame, change, keys
):
    path = h5ad(change)
    with pytest.raises(UserError, match="none of the 120 cells where it lies") as error:
        import_cells([path], {})
    assert pasted(str(error.value)) == keys
    data, _ = import_cells([path], pasted(str(error.value)))
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)


def test_places_that_are_all_missing_with_none_elsewhere(h5ad):
    with pytest.raises(UserError, match="none of the 120 cells.*x: null"):
        import_cells([h5ad(no_place)], {})


def test_spatial_key_is_of_files_that_have_keys(save, frame):
    with pytest.raises(UserError, match="`spatial_key` is of h5ad, h5mu and Zarr.*remove it"):
        import_cells([save(frame)], {"spatial_key": "spatial"})


def test_cells_of_imcrtools_lie_where_their_columns_say(h5ad, frame, caplog):
    """As zellkonverter writes a SpatialExperiment: assays are layers, colData is obs."""

    def change(cells):
        cells.obs = pd.DataFrame(
            {
                "sample_id": frame["sample"].to_numpy(),
                "ObjectNumber": [*range(1, 61)] * 2,
                "Pos_X": cells.obsm["spatial"][:, 0],
                "Pos_Y": cells.obsm["spatial"][:, 1],
                "width_px": 600,
            },
            index=[f"{image}_{i}" for image in (1, 2) for i in range(1, 61)],
        )
        del cells.obsm["spatial"]
        cells.layers["counts"], cells.layers["exprs"] = cells.X.copy(), np.arcsinh(cells.X)
        cells.uns["X_name"] = "counts"

    path = h5ad(change)
    data, _ = import_cells([path], {"layer": "exprs"})
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    np.testing.assert_allclose(data["protein"].X, np.arcsinh(frame[["CD3", "CD20"]]), rtol=1e-6)
    assert list(data.obs["image"]) == list(frame["sample"]) and data.obs_names[0] == "1_1"
    assert 'x: "Pos_X"' in caplog.text and 'image: "sample_id"' in caplog.text
