"""Images: which column names them, and what is said where none does."""

import pandas as pd
import pytest

from spclust.io import guess


@pytest.mark.parametrize("name", ["unique_region", "TMA_core", "Metadata_ROI", "Point", "fov"])
def test_columns_that_part_a_table_into_images_are_known(name):
    assert guess.image(pd.DataFrame({name: ["a"] * 5, "CD3": 1.5})) == name


@pytest.mark.parametrize("parts", [["core", "edge"], ["Tumor", "Stroma", "invasive margin"]])
def test_a_region_within_one_image_is_no_image(parts):
    frame = pd.DataFrame({"region": parts * 4, "filename_x": "a"})
    assert guess.image(frame) == "filename_x"
    assert guess.image(frame[["region"]]) is None
    assert guess.image(frame[["region"]].replace(parts[0], "reg001")) == "region"
