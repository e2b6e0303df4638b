"""Tables of the CODEX processor: one a region, in which ids start anew."""

import pytest


@pytest.fixture
def region(frame):
    names = {"CellID": "cell_id:cell_id", "X": "x:x", "Y": "y:y", "DAPI": "cyc001_ch001:DAPI"}
    names |= {"CD3": "cyc002_ch002:CD3", "CD20": "cyc002_ch003:CD20", "Area": "size:size"}
    return frame.rename(columns=names)[list(names.values())]


def test_each_region_is_an_image(region, save, read):
    files = [save(region.assign(**{"region:region": n}), f"reg{n:03d}.csv") for n in (1, 10)]
    name, table = read(*files)
    assert name == "codex" and table.roles["cell_id"] == "cell_id:cell_id"
    assert (table.roles["x"], table.roles["y"]) == ("x:x", "y:y")
    assert table.frame[table.roles["image"]].value_counts().to_dict() == {"1": 120, "10": 120}
    assert table.roles["proteins"] == [c for c in region if c.startswith("cyc")]


def test_regions_of_one_number_on_two_slides_are_told_apart_by_their_files(region, save, read):
    files = [save(region.assign(**{"region:region": 1}), f"{name}.csv") for name in "ab"]
    table = read(*files)[1]
    assert list(table.frame[table.roles["image"]].unique()) == ["a", "b"]


@pytest.mark.parametrize("x", ["X.X", "X_cent"])
def test_published_tables_are_known_by_their_places(frame, save, read, x):
    y = x.replace("X", "Y")
    name, table = read(save(frame.rename(columns={"X": x, "Y": y}).drop(columns="CellID")))
    assert name == "codex" and table.roles == {"x": x, "y": y, "cell_id": None}
