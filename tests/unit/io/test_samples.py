"""A sheet of samples: which row is of which image, what does not fit, what is refused."""

import logging

import numpy as np
import pandas as pd
import pytest

from spclust.data import sample_sheet
from spclust.data.atomic import write_table
from spclust.data.samples import images_of, of_cells, read_samples
from spclust.errors import UserError
from spclust.io import samples


def images(**cells):
    """Images of slices: a slice is told by what stands before `_`."""
    names = pd.Index(cells, name="image")
    slices = [name.partition("_")[0] for name in names]
    return pd.DataFrame({"slice": slices, "cells": list(cells.values())}, index=names)


def one_slice(*names):
    return pd.DataFrame({"slice": "mine", "cells": 10}, index=pd.Index(names, name="image"))


@pytest.fixture
def sheet(tmp_path):
    def write(text, encoding="utf-8"):
        (tmp_path / "samples.csv").write_text(text, encoding=encoding)
        return sample_sheet.read(tmp_path / "samples.csv")

    return write


def patients(table):
    return dict(zip(table["image"], table["patient"]))


def test_a_row_for_each_image_in_the_order_of_the_cells(sheet, tmp_path):
    given = sheet("patient,Image Name,age,area (mm²)\n007,b,51,0.5\nx,a,,0.7\n")
    table = samples.table(given, images_of({"image": ["a", "b", "b"], "slice": ["s"] * 3}))
    write_table(table, tmp_path / "checked.csv")
    read = read_samples(tmp_path / "checked.csv")
    named = ["patient", "Image Name", "age", "area", "cells_per_mm2"]
    assert list(read) == ["image", "slice", "cells", *named]
    assert read["cells"].tolist() == [1, 2] and read["patient"].tolist() == ["x", "007"]
    assert read["area"].tolist() == [0.7, 0.5]
    np.testing.assert_allclose(read["cells_per_mm2"], [1 / 0.7, 4], rtol=1e-5)
    np.testing.assert_array_equal(read["age"], [np.nan, 51])


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("patient,slice\n1,a\n2,b\n", "of the slice"),
        ("patient,image\n1,a_x\n2,b_y\n3,b_z\n", "as the cohort calls it"),
        ("patient,image\n1,x\n2,y\n3,z\n", "by its own name"),
        ("patient,slice,image\n1,a,x\n2,b,y\n3,b,z\n", "by two columns"),
        ("patient,whatever\n1,a_x\n2,b_y\n3,b_z\n", "in a column of any name"),
    ],
)
def test_images_of_a_cohort_are_known(sheet, text, of):
    table = samples.table(sheet(text), images(a_x=5, b_y=6, b_z=7))
    by_slice = {"a_x": "1", "b_y": "2", "b_z": "2"}
    by_image = {"a_x": "1", "b_y": "2", "b_z": "3"}
    assert patients(table) == (by_slice if of == "of the slice" else by_image)


def test_images_called_alike_in_each_slice_are_told_apart_by_two_columns(sheet):
    given = sheet("slice,fov,patient\na,1,p\na,2,q\nb,1,r\nc,1,s\n")
    table = samples.table(given, images(a_1=5, a_2=5, b_1=5, c=3))
    assert patients(table) == {"a_1": "p", "a_2": "q", "b_1": "r", "c": "s"}
    assert "fov" in table and "slice_original" not in table


def test_the_one_image_of_a_dataset_goes_by_the_dataset(sheet):
    table = samples.table(sheet("sample;patient\nmine;p\n"), one_slice("image"))
    assert patients(table) == {"image": "p"}


def test_what_does_not_fit_is_said_with_numbers(sheet, caplog):
    given = sheet("image,patient\na,1\na,1\nB.tif,2\nz,3\n")
    table = samples.table(given, one_slice("a", "b", "c"))
    assert patients(table) == {"a": "1", "b": "", "c": ""}
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "2 of 3 images have no row" in said and "their 20 cells: b, c" in said
    assert "perhaps 'b' for 'B.tif'" in said and "1 rows stand there twice" in said
    assert "2 of 4 rows are of no image" in said and "'B.tif' (line 4), 'z' (line 5)" in said


def test_a_sheet_that_fits_says_nothing_on_the_terminal(sheet, caplog):
    samples.table(sheet("image,patient\na,1\nb,1\n"), one_slice("b", "a"))
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


FAULTS = {
    "image,patient\nx,1\n": ["no row is of an image", "'image' has 'x'", "image: a, b"],
    "image,patient\nA.ome.tif,1\n": ["no row is of an image", "perhaps 'A.ome.tif' for 'a'"],
    "image,patient\na,1\nb,1\na,2\n": ["line 4", "'a' has a row already, line 2", "'patient'"],
    "image,area\na,-1\n": [
        "line 2, column 'area'",
        "'-1' is not a number above 0",
        "leave it empty",
    ],
    "image;pixel_size\na;0,5\n": ["line 2, column 'pixel_size'", "write it with a point, 0.5"],
    "image,area\na,many\n": ["'many' is not a number above 0"],
    "image,age,age\na,1,2\n": ["two columns are called 'age'", "rename"],
    "image,,age\na,1,2\n": ["the column 2 has no name"],
    "image,age\n": ["a header and no rows"],
    "\n\n": ["the file is empty"],
    "image,age\na,1,2,3\n": ["line 2", "4 values and the header 2 names"],
    "slice,area\nmine,2\n": [
        "line 2, column 'area'",
        "a slice of several images",
        "a row for each",
    ],
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_refused_in_one_line(sheet, text):
    with pytest.raises(UserError) as error:
        samples.table(sheet(text), one_slice("a", "b"))
    message = str(error.value)
    assert not [name for name in FAULTS[text] if name not in message], message
    assert "samples.csv" in message and "\n" not in message


def test_files_that_are_no_text_tables_are_told(sheet, tmp_path):
    with pytest.raises(UserError, match="not a text table in UTF-8.*iconv"):
        sheet("image,who\na,Größe\n", encoding="latin-1")
    with pytest.raises(UserError, match="save the sheet as CSV"):
        sample_sheet.read(tmp_path / "samples.xlsx")
    with pytest.raises(UserError, match="cannot be read .No such file.*samples:"):
        sample_sheet.read(tmp_path / "other.csv")


def test_what_decides_about_coordinates_is_the_same_whatever_else_is_said(sheet, tmp_path):
    path = tmp_path / "samples.csv"
    sheet("image,age,pixel_size\na,51,0.5\nb,60,0.25\n")
    before = sample_sheet.with_pixel_sizes(path)
    sheet("pixel size (µm),sex,image\n0.25,f,b\n\n0.5,m,a\n")
    assert sample_sheet.with_pixel_sizes(path) == before
    sheet("image,age,pixel_size\na,51,\n")
    assert sample_sheet.with_pixel_sizes(path) is None


def test_cells_get_what_is_said_of_their_image_and_keep_their_own(caplog):
    table = pd.DataFrame(
        {
            "image": ["a", "b"],
            "slice": "s",
            "cells": [2, 1],
            "patient": ["p", "q"],
            "age": [50, 60],
            "stage": ["I", "II"],
            "empty": [None, None],
        }
    )
    obs = pd.DataFrame(
        {"Patient": ["?", "p", "p"], "age": [60.0, 50.0, 50.0], "stage": ["II", "I", "III"]},
        index=["c1", "c2", "c3"],
    )
    image = pd.Series(pd.Categorical(["b", "a", "a"]), index=obs.index)
    found = of_cells(table, image, obs)
    assert list(found) == ["patient_sheet", "stage_sheet"] and list(found.index) == [
        "c1",
        "c2",
        "c3",
    ]
    assert list(found["patient_sheet"]) == ["q", "p", "p"]
    assert list(found["stage_sheet"]) == ["II", "I", "I"]
    assert "another 'stage' than the sheet of samples of 1 of 3 cells" in caplog.text
