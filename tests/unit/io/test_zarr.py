"""Zarr stores of AnnData and of SpatialData, and what they may not be."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import spatialdata

from spclust.data.cell_files import read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io.importing import import_cells
from spclust.plan import datasets


@pytest.fixture
def spatial_store(h5ad, tmp_path):
    """A SpatialData store whose tables are cells of two regions, by the names given."""

    def write(*names, change=lambda cells: None):
        cells = anndata.read_h5ad(h5ad())
        cells.obs = cells.obs.rename(columns={"sample": "region"})
        cells.obs["region"] = cells.obs["region"].astype("category")
        cells.obs["instance_id"] = range(120)
        change(cells)
        keys = {"region_key": "region", "instance_key": "instance_id"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there are no shapes that the table tells of
            table = spatialdata.models.TableModel.parse(cells, region=["a", "b"], **keys)
            store = spatialdata.SpatialData(tables={name: table.copy() for name in names})
            store.write(tmp_path / "tissue.zarr")
        return tmp_path / "tissue.zarr"

    return write


@pytest.mark.parametrize("table", ["", "tables/cells"])
def test_the_table_of_a_spatialdata_store_is_read(spatial_store, frame, table, tmp_path):
    path = spatial_store("cells") / table
    files = datasets.local_files({"name": "one", "path": str(path)})
    assert files and all("/tables/" in file for file in files)  # what a rerun looks at
    for given in ([path], files):
        data, labels = import_cells(given, {"name": "mine"})
        np.testing.assert_allclose(data["protein"].X, frame[["CD3", "CD20"]], rtol=1e-6)
        assert list(data.obs["image"]) == list(frame["sample"]) and len(labels) == 116
        np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    write_mudata(data, tmp_path / "cells.h5mu")
    assert read_mudata(tmp_path / "cells.h5mu", "imported").n_obs == 120


@pytest.mark.parametrize("version", [2, 3])
def test_an_anndata_store_is_read_as_its_h5ad(h5ad, tmp_path, version):
    path = h5ad(lambda cells: cells.layers.update(counts=2 * cells.X))
    cells = anndata.read_h5ad(path)
    with anndata.settings.override(zarr_write_format=version), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats to come
        cells.write_zarr(tmp_path / "cells.zarr")
    for cfg in ({}, {"layer": "counts"}, {"format": "zarr"}):
        data, labels = import_cells([tmp_path / "cells.zarr"], cfg)
        as_h5ad, same = import_cells([path], {k: v for k, v in cfg.items() if k != "format"})
        np.testing.assert_array_equal(data["protein"].X, as_h5ad["protein"].X)
        pd.testing.assert_frame_equal(labels, same)


def test_the_table_of_an_old_spatialdata_store_is_read(spatial_store):
    path = spatial_store("table")
    (path / "tables").rename(path / "table")
    for given in (path, path / "table/table"):
        assert datasets.local_files({"name": "one", "path": str(given)})
        assert import_cells([given], {})[0].n_obs == 120


def test_one_of_several_tables_is_to_be_named(spatial_store):
    path = spatial_store("cells", "nuclei")
    with pytest.raises(UserError, match="there are 2 tables.* path: .*tissue.zarr/tables/cells"):
        import_cells([path], {})
    assert import_cells([path / "tables/nuclei"], {})[0].n_obs == 120


def test_chunks_that_are_not_there_are_said(spatial_store, caplog):
    path = spatial_store("cells")
    import_cells([path], {})
    assert "of X are not in" not in caplog.text
    for chunk in (path / "tables/cells/X/c").rglob("0"):
        if chunk.is_file():
            chunk.unlink()
    data, _ = import_cells([path], {})
    assert not data["protein"].X.any() and "1 of the 1 chunks of X are not in" in caplog.text


def test_faults_name_the_store(spatial_store, tmp_path, save, frame):
    def spoil(cells):
        cells.X[5, 1] = np.nan

    path = spatial_store("cells", change=spoil)
    with pytest.raises(UserError, match="tissue.zarr/tables, cell 'c5', feature 'CD20'"):
        import_cells([path], {})
    (path / "tables/cells/X/zarr.json").write_text("{")
    with pytest.raises(UserError, match="tables/cells: the file is truncated or damaged"):
        import_cells([path], {})
    (path / "tables/cells/zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    with pytest.raises(UserError, match="not an AnnData .its encoding-type is None.*write_zarr"):
        import_cells([path], {})
    with pytest.raises(UserError, match="cells.csv: not a Zarr store.*format: table"):
        import_cells([save(frame)], {"format": "zarr"})


@pytest.fixture
def tissue(tmp_path, frame):
    """A SpatialData store whose table has no places: cells are circles, outlines, dots, labels."""
    shapely = pytest.importorskip("shapely")
    geopandas = pytest.importorskip("geopandas")
    places = frame[["X", "Y"]].to_numpy()
    places[:, 0] += np.arange(120) * 500  # so that no label lies on another
    ids = [f"cell_{i}" for i in range(120)]
    dots = [shapely.Point(*at) for at in places]
    circles = geopandas.GeoDataFrame({"radius": 1.0}, geometry=dots, index=ids)
    outlines = geopandas.GeoDataFrame(geometry=[d.buffer(2) for d in dots], index=ids)
    image = np.zeros((502, 60_002), dtype=np.int32)
    for i, (x, y) in enumerate(places.astype(int)):
        image[y : y + 2, x : x + 2] = 7 * i + 1
    models = spatialdata.models
    elements = {
        "circles": models.ShapesModel.parse(circles),
        "outlines": models.ShapesModel.parse(outlines[::-1]),
        "dots": models.PointsModel.parse(pd.DataFrame(places, columns=["x", "y"])),
        "mask": models.Labels2DModel.parse(image, dims=("y", "x")),
    }

    def write(region, instance):
        cells = anndata.AnnData(frame[["CD3", "CD20"]].to_numpy(np.float32))
        cells.var_names = ["CD3", "CD20"]
        cells.obs["region"], cells.obs["instance"] = pd.Categorical([region] * 120), instance
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = models.TableModel.parse(
                cells, region=region, region_key="region", instance_key="instance"
            )
            store = spatialdata.SpatialData.init_from_elements(elements | {"table": table})
            store.write(tmp_path / "tissue.zarr", overwrite=True)
        return tmp_path / "tissue.zarr", places

    ids_of = {"circles": ids, "outlines": ids, "dots": range(120), "mask": range(1, 840, 7)}
    return lambda region: write(region, list(ids_of[region]))


@pytest.mark.parametrize("region", ["circles", "outlines", "dots", "mask"])
def test_cells_without_places_lie_where_the_element_of_their_table_is(tissue, region, caplog):
    path, places = tissue(region)
    data, _ = import_cells([path], {})
    tolerance = 1.5 if region == "mask" else 1e-2  # of two by two pixels the corner is known
    np.testing.assert_allclose(data.obsm["spatial"], places, atol=tolerance)
    assert f"at the centres of the {'labels' if region == 'mask' else ''}" in caplog.text


def test_another_element_may_be_named(tissue, tmp_path):
    path, places = tissue("circles")
    data, _ = import_cells([path / "tables/table"], {"spatial_key": "outlines"})
    np.testing.assert_allclose(data.obsm["spatial"], places, atol=1e-2)
    with pytest.raises(UserError, match="no key 'outline'.*spatial_key: outlines.*circles"):
        import_cells([path], {"spatial_key": "outline"})
    with pytest.raises(UserError, match="no cell is in the labels 'mask' by 'instance': cell_0"):
        import_cells([path], {"spatial_key": "mask"})
    (path / "shapes/circles/shapes.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="shapes/circles: the file is truncated or damaged"):
        import_cells([path], {})
    (path / "shapes/circles/shapes.parquet").unlink()
    with pytest.raises(UserError, match="old version of SpatialData.*read_zarr"):
        import_cells([path], {})
