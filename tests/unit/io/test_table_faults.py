"""A fault of a table is named by file, line and column, with its remedy."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells


def spoil(column, row, value):
    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value

    return change


TABLE_FAULTS = {
    "text among numbers": (
        spoil("CD3", 4, "abc"),
        {},
        r"line 6, column 'CD3': 'abc' is not a finite number.*1 such cell",
    ),
    "missing protein": (spoil("CD20", 4, np.nan), {}, "line 6, column 'CD20': the value is miss"),
    "infinite protein": (spoil("CD20", 4, "inf"), {}, "line 6, column 'CD20': 'inf' is not a fin"),
    "missing coordinate": (spoil("X", 0, np.nan), {}, "line 2, column 'X': .*remove the cell"),
    "missing id": (spoil("CellID", 3, ""), {}, "line 5, column 'CellID': .*missing.*cell_id"),
    "missing image": (spoil("sample", 3, ""), {}, "line 5, column 'sample': .*missing.*`image`"),
    "repeated id": (
        spoil("CellID", 1, 1),
        {"image": None},
        r"the cell id '1' is repeated \(line 2, 3\)",
    ),
    "repeated id in an image": (spoil("CellID", 1, 1), {}, r"id 'a/1' is repeated \(line 2, 3\)"),
    "unknown column": (None, {"label": "celltype"}, "no column 'celltype'.*label: cell_type"),
    "unknown protein": (None, {"proteins": ["CD3", "CD9"]}, "no column 'CD9', which `proteins`"),
    "bad pattern": (None, {"proteins": "CD(3"}, "`proteins`.*not a regular expression"),
    "no protein": (None, {"proteins": "^nothing$"}, "no protein columns were found.*proteins:"),
    "one protein": (None, {"proteins": ["CD3"]}, "has one feature, 'CD3'.*`proteins`"),
    "no coordinates": (lambda f: f.drop(columns="X", inplace=True), {}, "x:  and  y:"),
    "one point": (lambda f: f.__setitem__(["X", "Y"], 7), {}, r"lie at one point \(7, 7\).*x:, y:"),
    "one cell": (lambda f: f.drop(f.index[1:], inplace=True), {}, "1 cell is left"),
    "no cell": (lambda f: f.drop(f.index, inplace=True), {}, "holds no cells, only a header"),
}


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_a_fault_of_a_table_is_named_with_its_remedy(frame, save, fault):
    change, cfg, message = TABLE_FAULTS[fault]
    if change is not None:
        change(frame)
    with pytest.raises(UserError, match=message) as error:
        import_cells([save(frame)], cfg)
    assert "cells.csv" in str(error.value) or fault == "bad pattern"


def test_a_column_named_as_label_is_not_guessed_to_be_a_place(frame, save):
    with pytest.raises(UserError, match="no coordinates.*x:  and  y:"):
        import_cells([save(frame)], {"label": "X"})


def test_an_exclusion_that_excludes_nothing_is_told(frame, save, caplog):
    import_cells([save(frame)], {"exclude_proteins": ["CD-20"]})
    assert "`exclude_proteins`: 'CD-20' is found in no column" in caplog.text


def test_line_numbers_stay_true_behind_blank_lines(frame, save):
    frame.loc[4, "CD3"] = np.nan
    path = Path(save(frame))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "", *lines[3:], "", ""]))
    with pytest.raises(UserError, match="line 7, column 'CD3'"):
        import_cells([path], {})


def test_one_image_at_one_point_is_named(frame, save):
    frame.loc[frame["sample"] == "b", ["X", "Y"]] = 3
    with pytest.raises(UserError, match="all 60 cells of the image 'b' lie at one point"):
        import_cells([save(frame)], {})


FILE_FAULTS = {
    "gone.csv": (None, "there is no such file"),
    "gone.h5ad": (None, "there is no such file"),
    "empty.csv": (b"", "the file is empty"),
    "empty.h5ad": (b"", "the file is empty"),
    "text.h5ad": (b"a,b\n1,2\n", "not an h5ad .*format: table"),
    "cells.dat": (b"PK", "the format is not clear.*format: table"),
    "binary.csv": (b"a,b\n\xff\xfe,\x80\n", "not a text table"),
    "ragged.csv": (b"CellID,X,Y,CD3\n1,2,3,4\n1,2,3,4,5,6\n", "not a text table"),
    "headless.csv": (b"X,Y,CD3\nc1,2,3,4\nc2,2,3,4\n", "more fields than its header has names"),
}


@pytest.mark.parametrize("name", FILE_FAULTS)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    content, message = FILE_FAULTS[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        import_cells([tmp_path / name], {})
    assert name in str(error.value)


def test_a_truncated_gzip_is_named(frame, save, tmp_path):
    whole = gzip.compress(Path(save(frame)).read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cut.csv.gz: the compressed file is truncated"):
        import_cells([tmp_path / "cut.csv.gz"], {})
