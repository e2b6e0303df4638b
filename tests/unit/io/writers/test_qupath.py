"""What QuPath opens: classes by object id, a script, points."""

import json
import re
import uuid

import numpy as np
import pandas as pd
import pytest

from spclust.io.writers import qupath

NAMES = ["T cell: CD8+", "B cell", "unknown (CD45+, 'x')", "unsure"]
COLOURS = dict(zip(NAMES, ["#0072B2", "#E69F00", "#009E73", "#9E9E9E"]))


def rows(unit="px", n=8):
    images = np.where(
        np.arange(n) % 2, "slide 1.ome.tif - Series 0/2", "slide 1.ome.tif - Series 0:2"
    )
    return pd.DataFrame(
        {
            "file": "a.csv",
            "id": [str(uuid.UUID(int=i + 2**100)) for i in range(n)],
            "image": images,
            "x": [str(10.5 * i) for i in range(n)],
            "y": [str(2 * i) for i in range(n)],
            "unit": unit,
        },
        index=[f"c{i}" for i in range(n)],
    )


def called(n=8):
    return np.array(NAMES, dtype=object)[np.arange(n) % 4]


def test_ids_of_qupath_are_known_from_others():
    ids = rows()["id"]
    assert qupath.are_of_qupath(ids) and qupath.are_of_qupath(ids.str.upper())
    for others in (ids.str[:-1], ids.where(ids.index != "c3"), pd.Series(["1", "2"])):
        assert not qupath.are_of_qupath(others)


def test_each_object_has_its_class():
    table = qupath.files(rows(), called(), COLOURS)["classes.csv"]
    assert table["Object ID"].tolist() == rows()["id"].tolist()
    # a colon would make two classes of it
    assert table["Class"].tolist()[:2] == ["T cell CD8+", "B cell"]


def test_the_script_has_the_colour_of_every_class():
    script = qupath.files(rows(), called(), COLOURS)["classes.groovy"]
    pairs = re.findall(r"^    '(.*)': (\[.*\]),$", script, re.M)
    found = {name.replace("\\'", "'"): json.loads(rgb) for name, rgb in pairs}
    assert found["T cell CD8+"] == [0, 0x72, 0xB2] and found["unsure"] == [0x9E] * 3
    assert set(found) == {name.replace(": ", " ") for name in NAMES}
    assert "COLOURS" not in script
    for mark in ("()", "[]", "{}"):
        assert script.count(mark[0]) == script.count(mark[1])


def points(*args, **others):
    found = qupath.files(*args, **others)
    return {n: json.loads(text)["features"] for n, text in found.items() if n.endswith("json")}


def test_points_lie_in_pixels_one_file_an_image():
    found = points(rows(), called(), COLOURS)
    assert list(found) == [
        "slide_1.ome.tif_-_Series_0_2.geojson",
        "slide_1.ome.tif_-_Series_0_2_.geojson",
    ]
    one, two = found.values()
    assert [feature["id"] for feature in one] == rows()["id"].tolist()[::2]
    assert two[0] == {
        "type": "Feature",
        "id": rows()["id"].iloc[1],
        "geometry": {"type": "Point", "coordinates": [10.5, 2.0]},
        "properties": {
            "objectType": "detection",
            "classification": {"name": "B cell", "color": [0xE6, 0x9F, 0]},
        },
    }


def test_micrometres_need_the_size_of_a_pixel():
    assert points(rows("µm"), called(), COLOURS) == {}
    _, two = points(rows("µm"), called(), COLOURS, pixel_size=0.5).values()
    assert two[0]["geometry"]["coordinates"] == [21, 4]
    _, two = points(rows("px"), called(), COLOURS, pixel_size=0.5).values()
    assert two[0]["geometry"]["coordinates"] == [10.5, 2]


def test_large_images_get_no_points(monkeypatch):
    monkeypatch.setattr(qupath, "MOST_POINTS", 3)
    assert points(rows(), called(), COLOURS) == {}
    assert len(points(rows(n=7), called(7), COLOURS)) == 1


@pytest.mark.parametrize("image", [None, "img"])
def test_images_of_two_files_are_two(image):
    table = rows().assign(file=["a/one.csv"] * 4 + ["b/one.csv"] * 4, image=image)
    assert [len(found) for found in points(table, called(), COLOURS).values()] == [4, 4]
