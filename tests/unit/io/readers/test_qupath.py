"""Exports of QuPath: one image or several, in µm or pixels, with other objects among the cells."""

import numpy as np
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells


@pytest.fixture
def export(frame):
    return frame.rename(
        columns={
            "CellID": "Object ID",
            "X": "Centroid X µm",
            "Y": "Centroid Y µm",
            "sample": "Image",
            "cell_type": "Classification",
            "CD3": "Cell: CD3: Mean",
            "CD20": "Cell: CD20: Mean",
        }
    ).assign(**{"Object type": "Cell"})


def test_columns_are_known_by_the_names_that_qupath_gives(export, save, read, frame):
    name, table = read(save(export, "m.tsv"))
    assert name == "qupath" and table.unit_of_length == "µm"
    assert table.roles == {
        "cell_id": "Object ID",
        "image": "Image",
        "x": "Centroid X µm",
        "y": "Centroid Y µm",
    }
    assert table.guessed == {"label": "Classification"}
    data, labels = import_cells([save(export, "m.tsv")], {"proteins": ": Mean$"})
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert data.obs["image"].nunique() == 2 and len(labels) == 116


def test_pixels_windows_letters_and_old_exports_without_ids(export, save, read, tmp_path):
    old = export.drop(columns=["Object ID", "Image", "Object type"]).rename(
        columns={"Centroid X µm": "Centroid X px", "Centroid Y µm": "Centroid Y px"}
    )
    name, table = read(save(old.assign(Name="PathCellObject", ROI="Polygon")))
    assert name == "qupath" and table.unit_of_length == "px"
    assert set(table.roles) == {"x", "y"}
    (tmp_path / "w.csv").write_bytes(export.to_csv(index=False).encode("cp1252"))
    assert read(tmp_path / "w.csv")[1].unit_of_length == "µm"


def test_a_folder_of_exports_of_one_image_each(export, save, read):
    for image, part in export.groupby("Image"):
        save(part, f"q/{image}.csv")
    assert read(save(export).replace("cells.csv", "q"))[1].roles["image"] == "Image"
    for image, part in export.drop(columns=["Image", "Object ID"]).groupby(export["Image"]):
        save(part, f"q/{image}.csv")
    table = read(save(export).replace("cells.csv", "q"))[1]
    assert table.frame[table.roles["image"]].value_counts().to_dict() == {"a": 60, "b": 60}


def test_annotations_are_no_cells(export, save, read, caplog):
    export.loc[:4, "Object type"] = "Annotation"
    table = read(save(export))[1]
    assert len(table.frame) == 115 and "5 rows that are no cells are left out" in caplog.text
    assert [(len(rows.frame), why) for rows, why in table.lost] == [(5, "no cell")]


def test_images_in_pixels_beside_images_in_micrometres_are_refused(export, save, read):
    pixels = export.rename(columns=lambda c: c.replace("µm", "px"))
    with pytest.raises(UserError, match="set the pixel size of all images in QuPath"):
        read(save(export, "a.csv"), save(pixels, "b.csv"))


def test_a_table_of_classes_by_object_is_joined(export, save, read, caplog):
    classes = export[["Object ID"]].assign(niche="rim").iloc[:100]
    table = read(save(export), save(classes, "n.csv"))[1]
    assert table.frame["niche"].notna().sum() == 100 and len(table.frame) == 120
    assert "20 of 120 cells have no row there; they stay" in caplog.text
    assert table.sources[next(iter(table.origin.values()))]["line"].notna().all()
