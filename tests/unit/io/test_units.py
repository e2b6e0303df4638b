"""The unit of coordinates: told by the file, from the size of a pixel, or not known."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest

from spclust.data.cell_files import read_cells, read_mudata, unit_of, write_cells, write_mudata
from spclust.errors import UserError
from spclust.io import cohort, tables, units
from spclust.io.importing import import_cells
from spclust.plan.stages import STAGES
from spclust.stages.preprocess.preparation import prepare

SHEET = {"path": "samples.csv", "columns": ["image", "pixel_size"], "lines": []}


def of_images(*rows):
    return SHEET | {"rows": [list(row) for row in rows]}


@pytest.mark.parametrize(
    ("x", "y", "unit"),
    [
        ("Centroid X µm", "Centroid Y µm", "µm"),
        ("Centroid X μm", "Centroid Y μm", "µm"),
        ("x_um", "y_um", "µm"),
        ("X (microns)", "Y (microns)", "µm"),
        ("Centroid X px", "Centroid Y px", "px"),
        ("CenterX_global_px", "CenterY_global_px", "px"),
        ("pixel_x", "pixel_y", "px"),
        ("X", "Y", None),
        ("lumen_x", "lumen_y", None),
        ("x_um", "y", None),
    ],
)
def test_names_of_columns_tell_the_unit(x, y, unit):
    assert units.of_columns(x, y) == unit


def test_what_the_format_says_is_of_its_own_columns():
    table = tables.Table(pd.DataFrame(), roles={"x": "X", "y": "Y"}, unit_of_length="µm")
    assert units.of_table(table, "X", "Y") == "µm"
    assert units.of_table(table, "U", "V") is None
    assert units.of_table(table, "U px", "V px") == "px"


def test_columns_of_two_units_are_refused():
    with pytest.raises(UserError, match="different units, 'x_um' and 'y_px'"):
        units.of_columns("x_um", "y_px")


def test_what_the_file_says_is_noted_and_coordinates_stay(frame, save, tmp_path, caplog):
    frame = frame.rename(columns={"X": "x_um", "Y": "y_um"})
    data, _ = import_cells([save(frame)], {})
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    assert unit_of(data) == "µm"
    given = frame[["x_um", "y_um"]].to_numpy(np.float32)
    np.testing.assert_array_equal(data.obsm["spatial"], given)
    assert "pixel_size" not in caplog.text
    write_cells(prepare(data, STAGES["preprocess"].defaults), tmp_path / "prepared.h5mu")
    assert read_cells(tmp_path / "prepared.h5mu", "prepared").unit == "µm"


def test_a_unit_that_is_not_known_is_told_where_columns_were_guessed(frame, save, tmp_path, caplog):
    data, _ = import_cells([save(frame)], {})
    assert unit_of(data) is None and "spclust" not in data.uns
    assert "pixel_size: 0.5  (µm per pixel, 1 where they are in µm)" in caplog.text
    write_cells(prepare(data, STAGES["preprocess"].defaults), tmp_path / "prepared.h5mu")
    assert read_cells(tmp_path / "prepared.h5mu", "prepared").unit is None


def test_pixels_become_micrometres_and_the_files_own_x_and_y_stay(frame, save):
    data, _ = import_cells([save(frame)], {"pixel_size": 0.325})
    given = frame[["X", "Y"]].to_numpy()
    np.testing.assert_allclose(data.obsm["spatial"], given * 0.325, rtol=1e-6)
    assert data.obsm["spatial"].dtype == np.float32 and unit_of(data) == "µm"
    np.testing.assert_allclose(data["protein"].obs[["X", "Y"]], given, rtol=1e-12)


def test_each_image_has_its_own_pixels(frame, save):
    sizes = of_images(("a", "0.5"), ("b", "2"), ("other", "9"))
    data, _ = import_cells([save(frame)], {"pixel_size": sizes})
    scale = frame["sample"].map({"a": 0.5, "b": 2.0}).to_numpy()[:, None]
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]] * scale, rtol=1e-6)


def test_an_h5ad_that_notes_its_unit_keeps_it(h5ad):
    def noting(cells):
        cells.uns["spclust"] = {"unit": "µm"}

    path = h5ad(noting)
    assert unit_of(import_cells([path], {})[0]) == "µm"
    with pytest.raises(UserError, match="in µm already, as the file says"):
        import_cells([path], {"pixel_size": 0.5})


@pytest.mark.parametrize(
    ("pixel_size", "changes", "cfg", "message"),
    [
        (0.5, {"X": "x_um", "Y": "y_um"}, {}, "in µm already.*`pixel_size` of the dataset"),
        (0.5, {}, {"x": None}, "the cells have no places, which `pixel_size` of the dataset"),
        (
            of_images(("a", "0.5"), ("b", "")),
            {},
            {},
            r"samples.csv: the column 'pixel_size' says nothing for 1 of 2 images \(b\)",
        ),
        (
            of_images(("a", "0.5"), ("b", "1")),
            {"X": "x_um", "Y": "y_um"},
            {},
            "in µm already.*the column pixel_size of samples.csv",
        ),
    ],
)
def test_a_size_of_pixels_that_cannot_be_meant_is_refused(
    frame, save, pixel_size, changes, cfg, message
):
    with pytest.raises(UserError, match=message):
        import_cells([save(frame.rename(columns=changes))], {"pixel_size": pixel_size, **cfg})


def parts(frame, save, **changes):
    """Slices as the import leaves them, of one table."""
    for name, cfg in changes.items():
        own = frame.rename(columns=cfg.pop("columns", {}))
        yield name, *import_cells([save(own)], cfg | {"name": name})


def test_slices_of_one_unit_make_a_cohort_of_it(frame, save):
    both = parts(frame, save, one={"pixel_size": 0.5}, two={"pixel_size": 2})
    data, _ = cohort.join(list(both), 0)
    assert unit_of(data) == "µm"
    data, _ = cohort.join(list(parts(frame, save, one={}, two={})), 0)
    assert unit_of(data) is None


def test_slices_of_several_units_are_told(frame, save, caplog):
    both = list(parts(frame, save, one={"pixel_size": 0.5}, two={}))
    caplog.clear()
    data, _ = cohort.join(both, 0)
    assert unit_of(data) is None
    (said,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "of 1 slices are in µm and those of two are not" in said and "pixel_size: 0.5" in said


def test_the_sheet_of_a_cohort_gives_sizes_by_slice(frame, save):
    sizes = of_images(("one", "0.5"), ("two", "3"))
    slices = list(parts(frame, save, one={}, two={}))
    data, _ = cohort.join(slices, 0, sizes)
    given = np.concatenate([frame[["X", "Y"]] * 0.5, frame[["X", "Y"]] * 3])
    np.testing.assert_allclose(data.obsm["spatial"], given, rtol=1e-6)
    assert unit_of(data) == "µm"
    done = list(parts(frame, save, one={"pixel_size": 0.5}, two={}))
    with pytest.raises(UserError, match="slices one are in µm already.*samples.csv"):
        cohort.join(done, 0, sizes)


def test_cells_without_places_have_no_unit(frame, save, caplog):
    data, _ = import_cells([save(frame)], {"x": None})
    assert unit_of(data) is None and "pixel_size" not in caplog.text


def test_a_store_of_anndata_without_notes_is_read(h5ad):
    data, _ = import_cells([h5ad()], {})
    assert isinstance(data["protein"], anndata.AnnData) and unit_of(data) is None
