"""Clustered cells as SpatialData, written and read by the package itself."""

import sys

import numpy as np
import pandas as pd
import pytest
from exported import add, imported

from spclust.data.cell_files import write_mudata
from spclust.errors import UserError
from spclust.io.importing import import_cells
from spclust.io.writers import spatial_store

spatialdata = pytest.importorskip("spatialdata")


def given(**others):
    """Cells whose file has names that SpatialData does not take."""
    data, labels, table, *rest = imported(**others)
    for part in data.mod.values():
        part.obs["Image"] = np.where(np.arange(60) % 2, "Left/1", "left:1")
        part.obs["Centroid X µm"], part.obs["Nucleus: Area µm^2"] = 1.0, 2.0
        part.obs["Region"] = "rim"
    return data, labels, table.assign(name="B cell"), *rest


@pytest.fixture
def stored(tmp_path):
    """A store that was written, and what is read of it."""

    def write(cells):
        folder = tmp_path / "export"
        folder.mkdir()
        if hasattr(cells, "mod"):
            write_mudata(cells, folder / "clustered.h5mu")
        else:
            cells.write_h5ad(folder / "clustered.h5ad")
        spatial_store.of_export(folder).write(tmp_path / "clustered.zarr")
        return spatialdata.read_zarr(tmp_path / "clustered.zarr")

    return write


def test_the_store_has_the_table_with_a_circle_for_each_cell(stored):
    cells = given()
    back = stored(add(cells))
    table = back["table"]
    assert table.obs["spclust"].astype(int).tolist() == cells[2]["cluster"].tolist()
    assert set(table.obs["spclust_name"]) == {"B cell"}
    assert {"Centroid_X_µm", "Nucleus__Area_µm_2"} <= set(table.obs)
    assert sorted(back.shapes) == sorted(back.coordinate_systems) == ["left", "right"]
    elements, joined = spatialdata.join_spatialelement_table(
        sdata=back, spatial_element_names=list(back.shapes), table_name="table", how="inner"
    )
    assert len(joined) == 60 and joined.obs_names.isin(table.obs_names).all()
    for name, shapes in elements.items():
        own = table[table.obs["region"] == name]
        places = pd.DataFrame(own.obsm["spatial"], index=own.obs["instance_id"])
        at = shapes.geometry.get_coordinates().loc[places.index]
        np.testing.assert_allclose(at, places)
        assert (shapes["radius"] > 0).all()


def test_several_modalities_are_tables_of_the_same_circles(stored):
    back = stored(add(given(modalities=("rna", "adt"))))
    assert sorted(back.tables) == ["adt", "rna"]
    for table in back.tables.values():
        assert "spclust" in table.obs and "X_spclust" in table.obsm
        assert set(table.obs["region"]) == set(back.shapes)


def test_images_that_differ_in_capitals_only_are_two(stored):
    data, *others = given()
    data.obs["image"] = data["protein"].obs["Image"]
    back = stored(add((data, *others)))
    assert len({name.lower() for name in back.shapes}) == 2
    assert sum(len(shapes) for shapes in back.shapes.values()) == 60


def test_the_store_is_read_again_as_cells(stored, tmp_path):
    cells = add(given())
    stored(cells)
    again, _ = import_cells([tmp_path / "clustered.zarr"], {"label": None})
    np.testing.assert_allclose(again.obsm["spatial"], cells.obsm["spatial"], rtol=1e-6)
    np.testing.assert_array_equal(again["protein"].X, cells.X)


def test_squidpy_goes_over_the_table_of_a_store(stored):
    sq = pytest.importorskip("squidpy")
    table = stored(add(given()))["table"]
    sq.gr.spatial_neighbors(table, coord_type="generic", library_key="region")
    sq.gr.nhood_enrichment(table, "spclust", n_perms=2, seed=0, show_progress_bar=False)
    assert table.uns["spclust_nhood_enrichment"]["count"].shape == (12, 12)


def test_cells_without_places_are_refused():
    data, *others = given()
    data.obsm["spatial"] = np.full((60, 2), np.nan)
    with pytest.raises(UserError, match=r"60 of 60 have none.*spatialdata: false"):
        spatial_store.store(spatialdata, {"table": add((data, *others))})


def test_without_the_package_there_is_a_line_to_paste(monkeypatch):
    monkeypatch.setitem(sys.modules, "spatialdata", None)
    with pytest.raises(UserError, match="pip install spatialdata -c envs/lock.txt"):
        spatial_store.load_package()
