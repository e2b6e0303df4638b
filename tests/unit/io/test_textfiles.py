"""Text tables as programs and computers of all kinds write them."""

import codecs
import gzip

import numpy as np
import pandas as pd
import pytest

from spclust.errors import UserError
from spclust.io import tables, textfiles
from spclust.io.importing import import_cells


@pytest.fixture
def written(tmp_path):
    def write(text, name="cells.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


TEXT = "CellID,x,y,CD3\n1,1.5,2.5,0.25\n2,3.5,4.5,0.75\n3,5.5,6.5,1.25\n"
VALUES = [[1, 1.5, 2.5, 0.25], [2, 3.5, 4.5, 0.75], [3, 5.5, 6.5, 1.25]]
WAYS = {
    "byte order mark": lambda t: codecs.BOM_UTF8 + t.encode(),
    "Windows": lambda t: t.replace("\n", "\r\n"),
    "old Mac": lambda t: t.replace("\n", "\r"),
    "sep=": lambda t: "sep=;\n" + t.replace(",", ";"),
    "sep= of Excel": lambda t: codecs.BOM_UTF8 + b'"sep=,"\r\n' + t.replace("\n", "\r\n").encode(),
    "a separator of its own": lambda t: "sep=:\n" + t.replace(",", ":"),
    "tabs": lambda t: t.replace(",", "\t"),
    "bars": lambda t: t.replace(",", "|"),
    "blanks": lambda t: t.replace(",", "   "),
    "blanks before lines": lambda t: "  " + t.replace(",", "  ").replace("\n", "\n  ").rstrip(" "),
    "blanks behind commas": lambda t: t.replace(",", ", "),
    "blank lines before": lambda t: "\n\n" + t,
    "a separator at each end": lambda t: t.replace("\n", ",\n").replace("CD3,", "CD3"),
    "quotes": lambda t: '"' + t.replace(",", '","').replace("\n", '"\n"').rstrip('"'),
    "UTF-16": lambda t: t.encode("utf-16"),
    "gzip": lambda t: gzip.compress(t.encode()),
    "decimal commas": lambda t: t.replace(",", ";").replace(".", ","),
    "decimal commas and tabs": lambda t: t.replace(",", "\t").replace(".", ","),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_table_is_read_however_it_is_written(written, way):
    frame = textfiles.parse(written(WAYS[way](TEXT)))
    assert list(frame.columns) == ["CellID", "x", "y", "CD3"]
    np.testing.assert_array_equal(frame.to_numpy(), VALUES)


@pytest.mark.parametrize("way", ["sep=", "blank lines before", "Windows", "old Mac"])
def test_line_numbers_are_those_of_the_file(written, way):
    lines = WAYS[way](TEXT.replace("\r", "\n")).splitlines()
    table = tables.read(written(WAYS[way](TEXT)))
    assert f"line {len(lines)}, " in table.place(2, "x")


@pytest.mark.parametrize("name", ["CELLS.CSV", "cells.tab", "Cells.Txt", "cells.TSV.GZ"])
def test_names_of_tables_may_be_in_capitals(frame, tmp_path, name):
    text = frame.to_csv(index=False).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if "GZ" in name else text)
    assert import_cells([tmp_path / name], {})[0].n_obs == 120
    assert import_cells([tmp_path], {})[0].n_obs == 120


def test_windows_letters_are_read_and_said(written, caplog):
    frame = textfiles.parse(written(TEXT.replace("x", "x µm"), encoding="cp1252"))
    assert list(frame.columns)[1] == "x µm" and "read as Windows-1252" in caplog.text


def test_decimal_commas_are_said_and_thousands_are_none(written, caplog):
    textfiles.parse(written(WAYS["decimal commas"](TEXT)))
    assert "decimal commas" in caplog.text
    thousands = "CellID;x\n1;1,005\n2;12,116\n"
    assert list(textfiles.parse(written(thousands))["x"]) == ["1,005", "12,116"]


def test_a_column_of_commas_among_points_stays_text(written):
    frame = textfiles.parse(written("CellID;x;CD3\n1;1.5;0,25\n2;2.5;0,75\n"))
    assert list(frame["CD3"]) == ["0,25", "0,75"] and frame["x"].dtype == float


@pytest.mark.parametrize("missing", ["#N/A", "NA", "", "NaN"])
def test_words_for_nothing_are_missing_values(written, missing):
    assert textfiles.parse(written(TEXT.replace("0.75", missing)))["CD3"].isna().sum() == 1


def test_a_separator_that_cannot_be_told_is_answered_with_one_that_can(written):
    path = written(TEXT.replace(",", "~"))
    with pytest.raises(UserError, match=r"cells.csv: .*'CellID~x~y~CD3'.*sep=:"):
        textfiles.parse(path)
    again = textfiles.parse(written("sep=~\n" + path.read_text()))
    np.testing.assert_array_equal(again.to_numpy(), VALUES)


def test_commas_in_the_names_of_columns_are_no_separators(written):
    names = "Cell ID\tx\tCD3 Mean (Counts, Total Weighting)\tCD4 Mean (Counts, Total Weighting)"
    frame = textfiles.parse(written(f"{names}\n1\t2,5\t0,5\t0,6\n2\t3,5\t0,7\t0,8\n"))
    assert list(frame.columns) == names.split("\t")
    pd.testing.assert_series_equal(frame["x"], pd.Series([2.5, 3.5]), check_names=False)


def test_a_wide_table_has_a_header_longer_than_a_field_may_be(written):
    names = [f"a_long_name_of_a_gene_{i:05d}" for i in range(6000)]
    frame = textfiles.parse(written(",".join(names) + "\n" + ",".join(["1"] * 6000) + "\n"))
    assert frame.shape == (1, 6000)


def test_what_holds_of_all_files_of_a_folder_is_said_once(written, caplog):
    for name in "abc":
        textfiles.parse(written(WAYS["decimal commas"](TEXT), f"{name}.csv"))
    assert caplog.text.count("decimal commas") == 1
