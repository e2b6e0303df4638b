"""Object data of HALO: places from boxes, dyes by their numbers."""

import numpy as np
import pytest


@pytest.fixture
def objects(frame):
    own = frame.rename(columns={"CellID": "Object Id", "sample": "Image Location"})
    for axis in "XY":
        own[f"{axis}Min"], own[f"{axis}Max"] = own[axis] - 4, own[axis] + 4
    own = own.rename(columns={"CD3": "Dye 1 Cell Intensity", "CD20": "Dye 12 Nucleus Intensity"})
    return own.drop(columns=["X", "Y"]).assign(**{"Analysis Region": "entire image"})


def test_a_cell_lies_in_the_middle_of_its_box(objects, save, read, frame):
    name, table = read(save(objects))
    assert name == "halo" and table.roles["cell_id"] == "Object Id"
    assert table.roles["image"] == "Image Location" and not table.renamed
    for axis in "xy":
        column = table.roles[axis]
        assert column == f"({axis.upper()}Min+{axis.upper()}Max)/2"
        np.testing.assert_allclose(table.frame[column], frame[axis.upper()], rtol=1e-5)
        assert "line 4" in table.place(2, column)


@pytest.mark.parametrize(
    "inputs",
    [
        "Dye 1:CD3 (Opal 520), Dye 12:DAPI",
        "Dye 1 = CD3 (Opal 520)|Dye 12 = DAPI",
        "Dye 1: CD3 (Opal 520) Dye 12: DAPI",
        "{Dye 1:CD3 (Opal 520);Dye 12:DAPI}",
    ],
)
def test_dyes_are_named_by_the_inputs_of_the_analysis(objects, save, read, inputs):
    assert read(save(objects.assign(**{"Analysis Inputs": inputs})))[1].renamed == {
        "Dye 1 Cell Intensity": "CD3 (Opal 520) Cell Intensity",
        "Dye 12 Nucleus Intensity": "DAPI Nucleus Intensity",
    }


def test_dyes_that_stand_for_two_stains_keep_their_numbers(objects, save, read, caplog):
    objects["Analysis Inputs"] = np.repeat(["Dye 1:CD3", "Dye 1:CD8"], 60)
    assert not read(save(objects))[1].renamed
    assert "names the dyes in 2 ways" in caplog.text


def test_ids_that_start_anew_in_each_region_make_regions_images(objects, save, read, caplog):
    objects["Image Location"] = "slide"
    objects["Analysis Region"] = np.repeat(["core 1", "core 2"], 60)
    assert read(save(objects))[1].roles["image"] == "Image Location"
    objects["Object Id"] = [*range(60), *range(60)]
    table = read(save(objects))[1]
    names = table.frame[table.roles["image"]]
    assert names.value_counts().to_dict() == {"slide_core 1": 60, "slide_core 2": 60}
    assert "each part by 'Analysis Region' is an image" in caplog.text
