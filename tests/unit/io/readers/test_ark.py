"""Cell tables of ark: the number of a cell is no class."""

import pytest


@pytest.fixture
def cells(frame):
    return frame.assign(cell_size=frame["Area"], label=[*range(60), *range(60)]).rename(
        columns={"X": "centroid-1", "Y": "centroid-0", "sample": "fov"}
    )[["cell_size", "CD3", "CD20", "label", "centroid-0", "centroid-1", "fov", "cell_type"]]


def test_channels_lie_between_the_size_and_the_number_of_a_cell(cells, save, read):
    cells["CD3_nuclear"], cells["label_nuclear"] = 1.5, 7
    name, table = read(save(cells))
    assert name == "ark"
    assert table.roles == {
        "cell_id": "label",
        "image": "fov",
        "x": "centroid-1",
        "y": "centroid-0",
        "proteins": ["CD3", "CD20"],
        "label": "cell_type",
    }


@pytest.mark.parametrize("column", ["cell_meta_cluster", None])
def test_the_class_is_the_cluster_of_cells_or_nothing(cells, save, read, column):
    cells = cells.drop(columns="cell_type")
    if column:
        cells[column] = "T"
    assert read(save(cells))[1].roles["label"] == column
