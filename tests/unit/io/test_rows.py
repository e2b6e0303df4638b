"""Every row of the user's files, with the cell made of it."""

import numpy as np
import pandas as pd
import pytest

from spclust.data.atomic import write_table
from spclust.data.cell_files import unit_of
from spclust.io import rows
from spclust.io.importing import import_slice
from spclust.io.writers.annotated import OWN, annotate_rows


def imported(paths, **cfg):
    cells, _, table = import_slice(paths, cfg)
    assert table["cell"].dropna().tolist() == cells.obs_names.tolist()
    assert (table["cell"].isna() == table["left_out"].notna()).all()
    return cells, table


def test_rows_are_the_file_s_own(save, frame):
    path = save(frame.sample(frac=1, random_state=0))
    _, table = imported([path])
    given = pd.read_csv(path, dtype={"CellID": str})
    assert table["row"].tolist() == list(range(2, 122)) and set(table["file"]) == {path}
    for column, name in zip(("id", "image", "x", "y"), ("CellID", "sample", "X", "Y")):
        assert table[column].tolist() == given[name].tolist()


def test_a_cell_that_is_left_out_keeps_its_row(save, frame):
    cells, table = imported([save(frame)], drop_unscored=True)
    assert len(table) == 120 and cells.n_obs == 110
    assert (table["left_out"] == "not scored").sum() == 10
    assert table.loc[table["left_out"].notna(), "id"].tolist() == [str(i) for i in range(111, 121)]


def test_rows_that_a_join_loses_are_told_by_file(save, frame):
    one = save(frame[["CellID", "X", "Y", "CD3"]].drop(index=[3]), "a.csv")
    two = save(frame[["CellID", "CD20", "DAPI"]].drop(index=[5, 119]), "b.csv")
    _, table = imported([one, two])
    lost = table[table["cell"].isna()]
    assert lost["id"].tolist() == ["6", "120", "4"]
    assert lost["left_out"].tolist() == [f"not in {two}"] * 2 + [f"not in {one}"]
    assert table["file"].tolist() == [one] * 119 + [two]
    assert table["row"].tolist()[:119] == list(range(2, 121)) and lost["x"].notna().sum() == 2


def test_ids_that_start_anew_are_as_in_the_file(save, frame):
    frame["CellID"] = [*range(60), *range(60)]
    cells, table = imported([save(frame)])
    assert table["id"].tolist() == [str(i) for i in [*range(60), *range(60)]]
    assert cells.obs_names[60] == table["cell"][60] == "b_0"


def test_x_and_y_of_the_file_stay_in_obs(save, frame):
    cells, _ = imported([save(frame)])
    # pandas parses numbers to the last bit but one
    kept = cells["protein"].obs[["X", "Y"]].to_numpy()
    np.testing.assert_allclose(kept, frame[["X", "Y"]].to_numpy(), rtol=1e-15)


def test_rows_of_an_h5ad_are_those_of_obs(h5ad, frame):
    _, table = imported([h5ad()])
    assert table["id"].tolist() == [f"c{i}" for i in range(120)]
    assert table["row"].tolist() == list(range(120))
    np.testing.assert_array_equal(table[["x", "y"]], frame[["X", "Y"]])
    _, table = imported([h5ad()], x=None)
    assert table["x"].isna().all() and table["image"].tolist() == frame["sample"].tolist()


def test_cells_of_one_modality_only_keep_their_row(two, tmp_path):
    files = {"rna": two["rna"][:118], "adt": two["adt"][:-1]}
    for name, part in files.items():
        part.copy().write_h5ad(tmp_path / f"{name}.h5ad")
    path = {name: str(tmp_path / f"{name}.h5ad") for name in files}
    _, table = imported(list(path.values()), path=path)
    # the tags are in the other order, so their last is the first cell
    assert table["id"].tolist() == [f"c{i}" for i in range(118)] + ["c119", "c118"]
    assert table["cell"].isna().to_numpy().nonzero()[0].tolist() == [0, 118, 119]
    assert set(table["left_out"].dropna()) == {"not in every modality"}
    assert table["file"].tolist() == [path["rna"]] * 118 + [path["adt"]] * 2


def test_the_unit_is_the_file_s_and_not_ours(save, frame):
    frame = frame.rename(columns={"X": "X px", "Y": "Y px"})
    cells, table = imported([save(frame)], x="X px", y="Y px", pixel_size=0.5)
    assert set(table["unit"]) == {"px"} and unit_of(cells) == "µm"
    np.testing.assert_allclose(table[["x", "y"]] / 2, cells.obsm["spatial"], rtol=1e-6)
    _, table = imported([save(frame)], x=None)
    assert table["unit"].isna().all()


def test_cells_out_of_range_keep_their_row(save, frame):
    _, table = imported([save(frame)], exclude_cells={"Area": [30, None]})
    out = (frame["Area"] < 30).to_numpy()
    assert out.any() and (table["left_out"].notna() == out).all()
    assert table["left_out"][out].str.contains("Area").all()


def test_a_cohort_has_the_rows_of_its_slices(save, frame, tmp_path):
    tables = {}
    for name in ("one", "two"):
        _, table = imported([save(frame, f"{name}.csv")], drop_unscored=True)
        write_table(table, tmp_path / "rows.csv")
        tables[name] = rows.read_rows(tmp_path / "rows.csv")
    table = rows.of_slices(tables)
    assert table["cell"].dropna().tolist() == [
        f"{name}_{i}" for name in tables for i in range(1, 111)
    ]
    assert len(table) == 240 and table["left_out"].notna().sum() == 20


@pytest.fixture
def annotated(save, frame, tmp_path):
    """The rows of a file, written and read again, with what a run says of its cells."""
    path = save(frame.assign(CellID=[f"{i:03}" for i in range(120)]))
    cells, table = imported([path], drop_unscored=True)
    write_table(table, tmp_path / "rows.csv")
    table = rows.read_rows(tmp_path / "rows.csv")
    own = pd.DataFrame({"cluster": range(110), "name": "NA"}, index=cells.obs_names)
    return path, annotate_rows(table, [("kmeans_", own[::-1])])


def test_every_row_is_annotated_in_its_place(annotated):
    path, table = annotated
    assert table.columns.tolist() == [*OWN, "kmeans_cluster", "kmeans_name"]
    assert table["kmeans_cluster"].tolist()[:110] == list(range(110))
    assert table["kmeans_cluster"].isna().tolist() == [False] * 110 + [True] * 10
    assert table["id"].tolist() == [f"{i:03}" for i in range(120)]
    with open(path) as file:
        lines = [line.split(",") for line in file.read().splitlines()[1:]]
    places = [float(line[5]) for line in lines]
    np.testing.assert_allclose(table["x"].astype(float), places, rtol=1e-15)


def test_the_table_that_is_written_has_whole_numbers_and_empty_cells(annotated, tmp_path):
    write_table(annotated[1], tmp_path / "cells.csv")
    lines = (tmp_path / "cells.csv").read_text().splitlines()
    assert lines[1].endswith(",,0,NA") and lines[-1].endswith(",not scored,,")
