"""Quantification tables of mcmicro: the block of markers, masks, images by file or folder."""

import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells


@pytest.fixture
def quantified(frame):
    frame = frame.rename(columns={"X": "X_centroid", "Y": "Y_centroid"})
    return frame[["CellID", "DAPI", "CD3", "CD20", "X_centroid", "Y_centroid", "Area"]]


def test_markers_are_the_columns_before_places_and_shapes(quantified, save, read):
    quantified.insert(0, "", range(120))
    quantified.insert(5, "perimeter", 9.5)
    quantified.insert(6, "bbox-0", 7)
    name, table = read(save(quantified))
    assert name == "mcmicro" and table.roles["proteins"][:3] == ["DAPI", "CD3", "CD20"]
    assert list(import_cells([save(quantified)], {})[0]["protein"].var_names) == ["CD3", "CD20"]


@pytest.mark.parametrize("column", ["CD3_intensity_median", "CD3_gini_index", "CD3_cellMask"])
def test_several_values_a_marker_are_left_to_be_told_by_their_names(quantified, save, read, column):
    quantified.insert(4, column, 0.5)
    assert "proteins" not in read(save(quantified))[1].roles


@pytest.mark.parametrize(
    ("files", "images"),
    [
        (["TMA7.core1.csv", "TMA7.core2.csv"], ["TMA7.core1", "TMA7.core2"]),
        (["s1/cell.csv", "s2/cell.csv"], ["s1", "s2"]),
        (["a/q/cell.csv", "b/q/cell.csv.gz"], ["a_q_cell", "b_q_cell"]),
        (["ex1--unmicst_cell.csv", "ex2--unmicst_cell.csv"], None),
    ],
)
def test_images_have_the_name_of_the_file_or_folder(quantified, save, read, files, images):
    table = read(*[save(quantified, file) for file in files])[1]
    images = images or [file.removesuffix(".csv") for file in files]
    assert list(table.frame[table.roles["image"]].unique()) == images
    assert len(table.frame) == 240


def test_of_several_masks_of_an_image_the_cells_are_read(quantified, save, read, caplog):
    for name in ("ex--unmicst_cell", "ex--unmicst_nuclei"):
        path = save(quantified.assign(CD3=len(name)), f"q/{name}.csv")
    table = read(path.rsplit("/", 1)[0])[1]
    assert len(table.frame) == 120 and "image" not in table.roles
    assert (table.frame["CD3"] == len("ex--unmicst_cell")).all()
    assert "path: " in caplog.text and "ex--unmicst_nuclei.csv" in caplog.text


def test_masks_without_one_of_cells_are_asked_about(quantified, save, read):
    files = [save(quantified, f"ex--unmicst_{mask}.csv") for mask in ("nuclei", "cyto")]
    with pytest.raises(UserError, match="several masks of one image.*path: .*nuclei.csv"):
        read(*files)


def test_images_with_other_markers_are_refused(quantified, save, read):
    files = [save(quantified, "a.csv"), save(quantified.rename(columns={"CD3": "CD4"}), "b.csv")]
    with pytest.raises(UserError, match="differ in the columns 'CD3', 'CD4'"):
        read(*files)
