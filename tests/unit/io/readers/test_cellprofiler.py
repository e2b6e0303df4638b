"""Tables of CellProfiler: cells, images beside them, other objects."""

import numpy as np
import pandas as pd
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells


@pytest.fixture
def cells(frame):
    return pd.DataFrame(
        {
            "ImageNumber": np.repeat([1, 2], 60),
            "ObjectNumber": [*range(60), *range(60)],
            "Location_Center_X": frame["X"],
            "Location_Center_Y": frame["Y"],
            "Intensity_MeanIntensity_CD3": frame["CD3"],
        }
    )


def test_an_image_has_its_number_or_the_name_of_its_file(cells, save, read):
    name, table = read(save(cells, "c/cell.csv"))
    assert name == "cellprofiler"
    assert table.roles == {
        "cell_id": "ObjectNumber",
        "image": "ImageNumber",
        "x": "Location_Center_X",
        "y": "Location_Center_Y",
    }
    images = pd.DataFrame({"ImageNumber": [2, 1], "FileName_Stack": ["b.tiff", "a.tiff"]})
    folder = save(images.assign(Count=5), "c/Image.csv").rsplit("/", 1)[0]
    save(images[["ImageNumber"]].iloc[[0, 0]].assign(Relation="is"), "c/Relationships.csv")
    table = read(folder)[1]
    assert list(table.frame[table.roles["image"]][[0, 60]]) == ["a.tiff", "b.tiff"]
    assert table.frame["Count"].eq(5).all() and "Image.csv, line 3" in table.place(0, "Count")


def test_a_line_of_objects_may_stand_above_the_names(cells, frame, tmp_path, read):
    """As CellProfiler writes several objects into one table."""
    both = cells.assign(**{"Intensity_MeanIntensity_CD20": frame["CD20"]})
    of = ["Image", "Image", *["Cells"] * (both.shape[1] - 2)]
    path = tmp_path / "all.csv"
    path.write_text(",".join(of) + "\n" + both.to_csv(index=False))
    name, table = read(str(path))
    assert name == "cellprofiler" and table.roles["x"] == "Cells_Location_Center_X"
    assert "line 3" in table.place(0, "ObjectNumber")
    markers = import_cells([path], {})[0]["protein"]
    assert list(markers.var_names) == ["CD3", "CD20"]
    np.testing.assert_allclose(markers.X, frame[["CD3", "CD20"]], rtol=1e-6)


def test_images_of_two_runs_have_their_folders_in_front(cells, save, read):
    table = read(save(cells, "r1/cell.csv"), save(cells, "r2/cell.csv"))[1]
    names = ["r1_1", "r1_2", "r2_1", "r2_2"]
    assert list(table.frame[table.roles["image"]].unique()) == names


def test_of_several_objects_the_cells_are_read_or_asked_for(cells, save, read, caplog):
    files = [save(cells, f"o/{name}.csv") for name in ("Cells", "Nuclei")]
    assert len(read(*files)[1].frame) == 120 and "Cells.csv" in caplog.text
    files = [save(cells, f"p/{name}.csv") for name in ("Cytoplasm", "Nuclei")]
    with pytest.raises(UserError, match="several kinds of objects.*path: .*p/Cytoplasm.csv"):
        read(*files)


def test_cells_of_one_number_are_named_by_their_rows_and_that_is_said(cells, save, read, caplog):
    cells.loc[7, "ObjectNumber"] = 3
    assert "cell_id" not in read(save(cells))[1].roles
    assert "1 rows have the number of another cell of their image" in caplog.text


def test_objects_put_into_one_table_have_their_names_in_front(cells, save, read):
    names = {c: f"Cells_{c}" for c in cells if "_" in c}
    nuclei = cells.filter(like="Location").add_prefix("Nuclei_")
    table = read(save(nuclei.join(cells.rename(columns=names))))[1]
    assert table.roles["x"] == "Cells_Location_Center_X"
