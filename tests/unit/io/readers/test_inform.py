"""Segmentation data of inForm: fields, decimal commas, rows that sum up."""

import pandas as pd
import pytest


@pytest.fixture
def cells(frame):
    names = {"CellID": "Cell ID", "X": "Cell X Position", "Y": "Cell Y Position"}
    names |= {"sample": "Sample Name", "CD3": "Entire Cell CD3 (Opal 520) Mean (Normalized Counts)"}
    return frame.rename(columns=names).assign(**{"Nucleus Area (pixels)": 40})


def test_fields_are_images(cells, save, read):
    name, table = read(save(cells, "a_cell_seg_data.tsv"))
    assert name == "inform" and table.unit_of_length == "px"
    assert table.roles == {
        "cell_id": "Cell ID",
        "image": "Sample Name",
        "x": "Cell X Position",
        "y": "Cell Y Position",
    }
    micro = cells.rename(columns={"Nucleus Area (pixels)": "Nucleus Area (square microns)"})
    assert read(save(micro, "a_cell_seg_data.tsv"))[1].unit_of_length == "µm"


def test_decimal_commas_are_numbers_and_that_is_said(cells, tmp_path, read, caplog):
    path = tmp_path / "a_cell_seg_data.txt"
    cells.to_csv(path, sep="\t", decimal=",", index=False, na_rep="#N/A")
    table = read(path)[1]
    assert table.frame.filter(like="Mean").iloc[0, 0] == pytest.approx(
        cells.filter(like="Mean").iloc[0, 0]
    )
    assert "decimal commas" in caplog.text


def test_sums_are_no_cells_and_other_files_are_passed_over(cells, save, read, caplog):
    cells["Cell ID"] = cells["Cell ID"].astype(str)
    total = cells.iloc[:1].assign(**{"Cell ID": "all"})
    save(pd.concat([cells, total]), "i/a_cell_seg_data.tsv")
    save(total, "i/a_cell_seg_data_summary.tsv")
    path = save(cells[["Sample Name"]], "i/a_tissue_seg_data.tsv")
    table = read(path.rsplit("/", 1)[0])[1]
    assert len(table.frame) == 120 and "1 rows that sum up others" in caplog.text
    assert "1 file is passed over, as no column 'Cell ID'" in caplog.text
