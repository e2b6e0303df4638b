"""Images: which column names them, and what is said where none does."""

import re

import numpy as np
import pandas as pd
import pytest

from spclust.errors import UserError
from spclust.io import guess, separation
from spclust.io.importing import import_cells


@pytest.mark.parametrize("name", ["unique_region", "TMA_core", "Metadata_ROI", "Point", "fov"])
def test_columns_that_part_a_table_into_images_are_known(name):
    assert guess.image(pd.DataFrame({name: ["a"] * 5, "CD3": 1.5})) == name


@pytest.mark.parametrize("parts", [["core", "edge"], ["Tumor", "Stroma", "invasive margin"]])
def test_a_region_within_one_image_is_no_image(parts):
    frame = pd.DataFrame({"region": parts * 4, "filename_x": "a"})
    assert guess.image(frame) == "filename_x"
    assert guess.image(frame[["region"]]) is None
    assert guess.image(frame[["region"]].replace(parts[0], "reg001")) == "region"


def test_of_two_columns_the_one_in_which_ids_do_not_repeat_is_the_image():
    frame = pd.DataFrame({"ROI": list("1212") * 5, "sample_id": list("aabb") * 5})
    frame["ObjectNumber"] = frame.groupby("sample_id").cumcount() + 1
    assert guess.image(frame) == "sample_id"
    frame["ObjectNumber"] = range(20)
    assert guess.image(frame) == "ROI"


def test_ids_that_repeat_are_told_with_the_column_that_parts_them(tmp_path):
    frame = pd.DataFrame({"cell": [*range(20)] * 2, "Key": ["a"] * 20 + ["b"] * 20})
    frame[["X", "Y"]] = np.arange(80).reshape(40, 2) * 1.5
    frame[["CD3", "CD8"]] = np.random.default_rng(0).random((40, 2))
    frame.to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(UserError, match="image: Key "):
        import_cells([tmp_path / "cells.csv"], {})
    assert import_cells([tmp_path / "cells.csv"], {"image": "Key"})[0].n_obs == 40


def test_images_that_another_column_parts_are_those_of_the_other():
    frame = pd.DataFrame({"ROI": list("1122") * 5, "sample_id": list("abcd") * 5})
    assert guess.image(frame) == "sample_id"
    frame["filename"] = "x"
    assert guess.image(frame.rename(columns={"ROI": "image"})) == "image"


def test_images_numbered_anew_within_another_column_are_told(tmp_path, caplog):
    frame = pd.DataFrame({"fov": list("1212") * 5, "Slide": list("aabb") * 5})
    frame[["x", "y", "CD3", "CD8"]] = np.random.default_rng(0).random((20, 4))
    frame.to_csv(tmp_path / "cells.csv", index=False)
    import_cells([tmp_path / "cells.csv"], {})
    assert "the same values of 'fov', the column of images, stand with several of 'Slide'" in (
        caplog.text
    )
    caplog.clear()
    import_cells([tmp_path / "cells.csv"], {"image": "fov"})
    assert "stand with several" not in caplog.text


def test_a_row_for_each_cell_and_marker_is_refused_with_what_makes_it_a_row_a_cell(tmp_path):
    cells = pd.MultiIndex.from_product([["a", "b"], range(10), ["CD3", "CD8", "CD20", "PanCK"]])
    long = cells.to_frame(index=False, name=["core", "CellId", "channel"])
    long["counts"] = np.random.default_rng(0).random(80)
    long.to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(UserError, match="a row for each cell and marker") as refused:
        import_cells([tmp_path / "long.csv"], {})
    line = re.search(r"table\.pivot\(.*\)", str(refused.value))[0]
    wide = eval(line.replace("<column of values>", "'counts'"), {"table": long})
    wide.assign(x=range(20), y=1.5).to_csv(tmp_path / "wide.csv", index=False)
    assert import_cells([tmp_path / "wide.csv"], {})[0].shape == (20, 4)


def test_types_called_by_markers_are_no_long_table(tmp_path):
    frame = pd.DataFrame({"CellID": range(40), "x": range(40), "y": 1.5})
    frame["CD3"], frame["CD8"] = np.random.default_rng(0).random((2, 40))
    frame["phenotype"] = ["CD3", "CD8", "CD20", "CD68"] * 10
    frame.to_csv(tmp_path / "cells.csv", index=False)
    assert len(import_cells([tmp_path / "cells.csv"], {})[1]) == 40


@pytest.mark.parametrize(
    ("columns", "places"),
    [
        (["Object Center X (µm)", "Object Center Y (µm)"], (0, 1)),
        (["X [px]", "Y [px]"], (0, 1)),
        (["m.cx", "m.cy"], (0, 1)),
        (["Nuclei_Location_Center_X", "Nuclei_Location_Center_Y", "Cells_X", "Cells_Y"], (2, 3)),
        (["UMAP X", "UMAP Y", "Middle X", "Middle Y"], (2, 3)),
        (["tile_x", "tile_y"], None),
        (["x_label", "size"], None),
    ],
)
def test_places_are_told_by_a_word_x_and_a_word_y(columns, places):
    right = (None, None) if places is None else tuple(columns[i] for i in places)
    assert guess.coordinates(columns) == right


# --- parted by distance -----------------------------------------------------------------------


def single_linkage(places, distance):
    """Parts found by following every pair of cells, from left to right."""
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= distance
    part = np.arange(len(places))
    for _ in range(len(places)):
        part = np.array([part[row].min() for row in near])
    centres = {p: places[part == p].mean(axis=0).tolist() for p in set(part)}
    order = sorted(centres, key=centres.get)
    return [order.index(p) for p in part]


@pytest.mark.parametrize("seed", range(5))
def test_cores_are_parted_as_single_linkage_does(seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 100, (150, 2)).round(1)
    distance = 100 / np.sqrt(150) * 0.7
    np.testing.assert_array_equal(
        separation._connected(places, distance), single_linkage(places, distance)
    )


@pytest.mark.parametrize(
    "places",
    [
        [[i, 2 * i] for i in [*range(20), *range(40, 60)]],  # on one line
        [[i, 0] for i in [0, 1, 50]],  # too few for triangles
        [[0, 0]] * 30 + [[30, 0]] * 30,  # at two points
    ],
)
def test_odd_places_are_parted_too(places):
    places = np.array(places, dtype=float)
    found = separation._connected(places, 5)
    np.testing.assert_array_equal(found, single_linkage(places, 5))
    assert found.max() == 1


def test_a_slide_of_cores_becomes_images(frame, save, caplog):
    frame.loc[frame.index % 2 == 1, "X"] += 5000
    path = save(frame.drop(columns="sample"))
    cells, _ = import_cells([path], {"split_images": {"distance": 400}})
    assert list(cells.obs["image"][:4]) == ["image_1", "image_2"] * 2
    assert "gaps wider than 400 part 1 image into 2" in caplog.text
    cells, _ = import_cells([save(frame)], {"split_images": {"distance": 400}})
    assert set(cells.obs["image"]) == {"a_1", "a_2", "b_1", "b_2"}
    whole, _ = import_cells([save(frame)], {"split_images": {"distance": 9000}})
    assert set(whole.obs["image"]) == {"a", "b"}


# --- told where no column names them ------------------------------------------------------------


@pytest.fixture
def stacked(frame):
    """Two images one below the other, nothing said."""
    return frame.drop(columns=["sample", "cell_type"])


def told(caplog):
    return [m for m in caplog.messages if "no column names images" in m]


def test_one_image_is_not_doubted(stacked, save, caplog):
    stacked["cell_type"] = np.tile(["T", "B"], 60)
    stacked["row"] = np.sort(np.tile(range(6), 20))
    stacked["tile"] = np.repeat(["left", "right"], 60)
    stacked["X"] += np.repeat([0, 600], 60)
    import_cells([save(stacked)], {"label": "cell_type"})
    assert not told(caplog)


def test_a_column_whose_blocks_are_copies_of_one_extent_is_told(stacked, save, caplog):
    stacked["donor"] = np.repeat(["P7", "P9"], 60)
    import_cells([save(stacked)], {})
    (message,) = told(caplog)
    assert "each block of rows of one 'donor'" in message and "\n    image: donor" in message
    caplog.clear()
    cells, _ = import_cells([save(stacked)], {"image": "donor"})
    assert set(cells.obs["image"]) == {"P7", "P9"} and not told(caplog)
    import_cells([save(stacked)], {"image": None})
    assert not told(caplog)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("DAPI_idx", [*range(60), *range(60)], "numbers of 'DAPI_idx' start anew, first in row 61"),
        ("CellID", [f"{i}_{n}" for i in "ab" for n in range(60)], "begin alike ('a_', 'b_')"),
        ("X", np.tile(np.arange(60.0), 2), "100% of the cells lie exactly where another does"),
    ],
)
def test_other_signs_of_several_images_are_told(stacked, save, caplog, column, values, words):
    stacked[column] = values
    if column == "X":
        stacked["Y"] = stacked["X"]
    import_cells([save(stacked)], {})
    (message,) = told(caplog)
    assert words in message and "image: null" in message


def test_ids_that_start_anew_are_answered_with_the_column_that_tells_them_apart(stacked, save):
    stacked["donor"], stacked["CellID"] = np.repeat(["P7", "P9"], 60), [*range(60), *range(60)]
    with pytest.raises(UserError, match="'0' is repeated.*with  image: donor  they are unique"):
        import_cells([save(stacked)], {})
    assert set(import_cells([save(stacked)], {"image": "donor"})[0].obs["image"]) == {"P7", "P9"}
