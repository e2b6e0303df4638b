"""histoCAT and CytoMAP; and what may lie beside the tables of any program."""

from pathlib import Path

import pytest

from spclust.errors import UserError
from spclust.io import readers


def test_histocat(frame, save, read):
    names = {"CellID": "CellId", "sample": "ImageId", "X": "X_position", "Y": "Y_position"}
    names |= {"CD3": "Cell_CD3", "CD20": "Cell_CD20"}
    name, table = read(save(frame.rename(columns=names).assign(neighbour_4_CellId1=3)))
    assert name == "histocat" and table.roles["proteins"] == ["Cell_CD3", "Cell_CD20"]
    assert table.roles["image"] == "ImageId" and table.roles["x"] == "X_position"


def test_cytomap(frame, save, read):
    channels = frame.rename(columns={"CD3": "Ch_CD3", "CD20": "Ch_CD20"})
    name, table = read(save(channels))
    assert name == "cytomap" and table.roles["proteins"] == ["Ch_CD3", "Ch_CD20"]
    assert table.renamed == {"Ch_CD3": "CD3", "Ch_CD20": "CD20"}
    imaris = frame.rename(columns={"X": "Position X", "Y": "Position Y"})
    name, table = read(save(imaris.drop(columns="CellID")))
    assert name == "cytomap" and table.roles == {"x": "Position X", "y": "Position Y"}


@pytest.mark.parametrize(
    "name", "qupath halo inform cellprofiler ark codex histocat cytomap mcmicro".split()
)
def test_a_table_of_no_program_is_answered_with_what_is_missing(frame, save, name):
    with pytest.raises(UserError, match="cells.csv: there (is no column|are no columns)"):
        readers.load(name).read([Path(save(frame))], {})


def test_an_image_without_cells_is_left_out(frame, save, read, caplog):
    names = {"CellID": "CellId", "sample": "ImageId", "X": "X_position", "Y": "Y_position"}
    frame = frame.rename(columns=names)
    files = [save(frame, "a.csv"), save(frame.iloc[:0], "b.csv")]
    assert len(read(*files)[1].frame) == 120
    assert "1 image is left out, without cells: b" in caplog.text


def test_what_cannot_join_is_passed_over(frame, save, read, tmp_path, caplog):
    names = {"CellID": "CellId", "sample": "ImageId", "X": "X_position", "Y": "Y_position"}
    (tmp_path / "notes.txt").write_text("as they came\n")
    path = save(frame.rename(columns=names), "f.csv")
    assert len(read(path, tmp_path / "notes.txt", save(frame[["DAPI"]], "d.csv"))[1].frame) == 120
    assert "2 files are passed over, as no column 'CellId' joins them" in caplog.text
