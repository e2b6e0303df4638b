"""A table reads the same in every container, which is told by its first bytes."""

import gzip
import io
import json
import zipfile
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from spclust.data import first_bytes, formats
from spclust.errors import UserError
from spclust.io import tables
from spclust.io.importing import import_cells
from spclust.plan import datasets

feather = pytest.importorskip("pyarrow.feather")
NO_EXCEL = pytest.mark.skipif(find_spec("openpyxl") is None, reason="openpyxl is not installed")


def to_zip(frame, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cells.csv", frame.to_csv(index=False))
        archive.writestr("__MACOSX/._cells.csv", b"\0")


WRITE = {
    "cells.parquet": lambda frame, path: frame.to_parquet(path, index=False),
    "cells.feather": lambda frame, path: frame.to_feather(path),
    "old.feather": lambda frame, path: feather.write_feather(frame, str(path), version=1),
    "cells.xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "cells.csv.zip": to_zip,
    "cells.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "cells.csv.bz2": lambda frame, path: frame.to_csv(path, index=False),
    "cells.tsv.xz": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
}
CONTAINERS = [pytest.param(n, marks=NO_EXCEL if "xlsx" in n else ()) for n in WRITE]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_table_reads_as_its_csv_does(frame, save, tmp_path, name):
    frame["CellID"] = [f"{i:03d}" for i in range(len(frame))]
    WRITE[name](frame, tmp_path / name)
    data, labels = import_cells([tmp_path / name], {})
    expected, labels_expected = import_cells([save(frame)], {})
    np.testing.assert_array_equal(data["protein"].X, expected["protein"].X)
    np.testing.assert_array_equal(data.obsm["spatial"], expected.obsm["spatial"])
    pd.testing.assert_frame_equal(data["protein"].obs, expected["protein"].obs)
    pd.testing.assert_frame_equal(data.obs, expected.obs)
    pd.testing.assert_frame_equal(labels, labels_expected)
    assert list(data.obs_names) == list(frame["CellID"])


def test_text_under_the_name_of_a_workbook_is_read(frame, tmp_path):
    frame.to_csv(tmp_path / "cells.xls", sep="\t", index=False)
    assert len(import_cells([tmp_path / "cells.xls"], {})[0]) == 120


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_first_bytes_count_and_not_the_name(frame, tmp_path, name):
    WRITE[name](frame, tmp_path / name)
    (tmp_path / name).rename(tmp_path / "cells.txt")
    assert len(import_cells([tmp_path / "cells.txt"], {})[0]) == 120


def test_layouts_of_programs_are_known_in_a_parquet_file(frame, tmp_path):
    frame = frame.drop(columns=["sample", "cell_type"]).rename(
        columns={"X": "X_centroid", "Y": "Y_centroid"}
    )
    for image in "ab":
        frame.to_parquet(tmp_path / f"{image}.parquet")
    data, _ = import_cells([tmp_path / "a.parquet", tmp_path / "b.parquet"], {})
    assert data.obs["image"].value_counts().to_dict() == {"a": 120, "b": 120}


@pytest.mark.parametrize("name", ["cells.parquet", pytest.param("cells.xlsx", marks=NO_EXCEL)])
def test_a_fault_is_named_by_row_and_column(frame, tmp_path, name):
    frame.loc[4, "CD3"] = np.nan
    WRITE[name](frame, tmp_path / name)
    row = 6 if "xlsx" in name else 5
    with pytest.raises(UserError, match=f"{name}, row {row}, column 'CD3': the value is missing"):
        import_cells([tmp_path / name], {})


def test_types_that_no_csv_has_are_plain(frame, tmp_path):
    frame = frame.astype({"CellID": "Int64", "CD20": "float16", "sample": "category"})
    frame["when"] = pd.Timestamp("2020-01-02")
    frame["shape"] = [b"\xff\x00"] * len(frame)
    frame["neighbours"] = [[1, 2]] * len(frame)
    frame["cell_type"] = frame["cell_type"].str.encode("utf-8")
    frame.set_index("CellID").to_parquet(tmp_path / "cells.parquet")
    data, labels = import_cells([tmp_path / "cells.parquet"], {})
    assert list(data.obs_names[:2]) == ["1", "2"] and labels["label"].nunique() == 3
    assert list(data["protein"].var_names) == ["CD3", "CD20"]
    assert set(data["protein"].obs["when"]) == {"2020-01-02"}
    assert not {"shape", "neighbours"} & set(data["protein"].obs)


@NO_EXCEL
def test_a_workbook_has_one_sheet_of_cells(frame, tmp_path, caplog):
    notes = pd.DataFrame({"about": ["what this is"]})
    with pd.ExcelWriter(tmp_path / "cells.xlsx") as book:
        notes.to_excel(book, sheet_name="read me", index=False)
        frame.to_excel(book, sheet_name="cells", index=False)
    assert len(import_cells([tmp_path / "cells.xlsx"], {})[0]) == 120
    assert "'cells' is read" in caplog.text
    with pd.ExcelWriter(tmp_path / "two.xlsx") as book:
        for sheet in ("left", "right"):
            frame.to_excel(book, sheet_name=sheet, index=False)
    with pytest.raises(UserError, match=r"2 sheets \(left, right\) may hold the cells"):
        import_cells([tmp_path / "two.xlsx"], {})


def packed(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


OTHERS = {
    b"FCS3.1          58": "FCS file.*write.csv.*flowio",
    gzip.compress(b"X\n\0\0\0\3\0\4"): r"R object \(RDS\).*writeH5AD.*write.csv",
    b"X\n\0\0\0\3\0\4": "RDS.*writeH5AD",
    gzip.compress(b"RDX3\nX\n\0\0"): "RData.*load",
    b"\x89PNG\r\n\x1a\n": "image .PNG.*segment",
    b"II*\0\x08\0\0\0": "image .TIFF",
    b"%PDF-1.7": "a PDF",
    b"SQLite format 3\0": "SQLite.*export its table",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "old Office.*CSV or xlsx",
    b"\xac\xed\0\x05sr": "qpdata.*Measure > Export measurements",
    json.dumps({"version": "0.5", "images": []}).encode(): "QuPath project.*Export measurements",
    b"<!DOCTYPE html><html>": "a web page",
    b"version https://git-lfs.github.com/spec/v1\n": "git lfs pull",
    packed(mimetype="application/vnd.oasis.opendocument.spreadsheet"): "OpenDocument.*CSV",
    packed(**{"word__document.xml": "", "[Content_Types].xml": ""}): "Word",
    packed(**{"xl__workbook.bin": "", "[Content_Types].xml": ""}): "xlsb.*xlsx",
    packed(**{"Index__Document.iwa": ""}): "Numbers",
    b"%%MatrixMarket matrix coordinate integer\n": "cell_feature_matrix.h5",
    packed(**{"a.csv": "x", "b.csv": "x"}): r"holds 2 files \(a.csv, b.csv\).*unpack",
    packed(**{"table__.zgroup": "{}"}): "Zarr store; unpack",
}


@pytest.mark.parametrize("name", ["cells.csv", "cells.h5ad", "cells.dat"])
@pytest.mark.parametrize("content", OTHERS, ids=list(OTHERS.values()))
def test_what_is_not_read_is_told_what_to_export(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=OTHERS[content]) as error:
        import_cells([tmp_path / name], {})
    assert "damaged" not in str(error.value) and name in str(error.value)


def test_only_what_is_read_is_called_damaged(frame, tmp_path):
    frame.to_parquet(tmp_path / "cells.parquet")
    whole = (tmp_path / "cells.parquet").read_bytes()
    for content in (whole[:-30], b"PAR1" + bytes(50) + b"PAR1", b"ARROW1" + bytes(52)):
        (tmp_path / "cells.csv").write_bytes(content)
        with pytest.raises(UserError, match="cells.csv: the (parquet|feather) file is trunc.*dama"):
            import_cells([tmp_path / "cells.csv"], {})
    to_zip(frame, tmp_path / "cells.zip")
    whole = (tmp_path / "cells.zip").read_bytes()
    for size in (60, len(whole) // 2):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        with pytest.raises(UserError, match="cut.zip: the archive is truncated or damaged"):
            import_cells([tmp_path / "cut.zip"], {})


def test_a_missing_package_is_one_line_with_the_remedy(frame, tmp_path, monkeypatch):
    monkeypatch.setattr("spclust.io.containers.find_spec", lambda name: None)
    (tmp_path / "cells.xlsx").write_bytes(packed(**{"[Content_Types].xml": ""}))
    with pytest.raises(UserError, match="pip install openpyxl  or save the table as CSV"):
        import_cells([tmp_path / "cells.xlsx"], {})
    frame.to_parquet(tmp_path / "cells.parquet")
    with pytest.raises(UserError, match="pip install pyarrow  or save the table as CSV"):
        import_cells([tmp_path / "cells.parquet"], {})


def test_the_file_of_another_reader_is_told_its_format(h5ad, frame, tmp_path):
    path = h5ad(name="cells.csv")
    with pytest.raises(UserError, match="HDF5.*format: h5ad"):
        import_cells([path], {})
    with pytest.raises(UserError, match="not clear from the names.*  format: h5ad  in"):
        import_cells([h5ad(name="cells.dat")], {})
    assert len(import_cells([path], {"format": "h5ad"})[0]) == 120
    frame.to_parquet(tmp_path / "cells.h5ad")
    with pytest.raises(UserError, match="not an h5ad.*format: table"):
        import_cells([tmp_path / "cells.h5ad"], {})
    assert len(import_cells([tmp_path / "cells.h5ad"], {"format": "table"})[0]) == 120


def test_text_is_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfCellID,X\n1,2\n")
    assert first_bytes.of(tmp_path / "a.csv") == first_bytes.TEXT


def test_a_folder_without_tables_is_told_what_to_do_with_what_it_holds(tmp_path):
    project, other = tmp_path / "project", tmp_path / "other"
    for folder, name, content in (
        (project, "project.qpproj", b'{"version": "0.5.1", "images": []}'),
        (other, "cells.h5ad", b"\x89HDF\r\n\x1a\n"),
    ):
        folder.mkdir()
        (folder / name).write_bytes(content)
    messages = {project: "QuPath project.*Export measurements", other: "path: .*/other/cells.h5ad"}
    for folder, message in messages.items():
        with pytest.raises(UserError, match=message):
            import_cells([folder], {})
        with pytest.raises(UserError, match=message):
            datasets.local_files({"name": "a", "path": str(folder)})


@pytest.mark.parametrize(
    "folder",
    [
        "01_qupath_detection",
        "05_halo_colon",
        "09_inform_consolidated",
        "16_spacec_compensated",
        "21_cosmx_rna",
        "28_histocat",
    ],
)
def test_layouts_of_programs_read_from_parquet_as_from_text(shared_tables, tmp_path, folder):
    text = sorted((shared_tables / folder).iterdir())
    for file in text:
        frame = tables.read(file).frame
        # a column of several types, as of numbers and blanks, is text in parquet
        texts = frame.select_dtypes("object").columns
        frame[texts] = frame[texts].astype("string")
        frame.to_parquet(tmp_path / f"{formats.stem(file)}.parquet")
    expected, _ = import_cells([shared_tables / folder], {})
    data, _ = import_cells([tmp_path], {})
    (modality,) = expected.mod
    assert list(data[modality].var_names) == list(expected[modality].var_names)
    assert list(data.obs_names) == list(expected.obs_names)
    assert list(data.obs["image"]) == list(expected.obs["image"])
    assert abs(data[modality].X - expected[modality].X).max() < 1e-3
    np.testing.assert_allclose(data.obsm["spatial"], expected.obsm["spatial"])
