"""Same cells or other cells: tables side by side, or one below the other."""

import numpy as np
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells, import_slice


@pytest.fixture
def halves(frame):
    """Two images, in which ids start anew."""
    frame["CellID"] = [*range(60), *range(60)]
    parts = [part.drop(columns="sample") for _, part in frame.groupby("sample")]
    return dict(zip(["imgA", "imgB"], parts))


@pytest.mark.parametrize(
    ("names", "images"),
    [
        (["imgA.csv", "imgB.csv"], ["imgA", "imgB"]),
        (["s1/cells.csv", "s2/cells.csv"], ["s1", "s2"]),
        (["a/x.csv", "b/x.tsv"], ["a", "b"]),
        (["s1/x.csv", "s1/y.csv"], ["x", "y"]),
    ],
)
def test_tables_of_one_header_are_images(halves, frame, save, caplog, names, images):
    files = [save(part, name) for part, name in zip(halves.values(), names)]
    cells, _ = import_cells(files, {})
    assert cells.obs["image"].value_counts().to_dict() == dict.fromkeys(images, 60)
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert "2 tables of one header are taken for images" in caplog.text
    assert 'image: "image_file"' in caplog.text
    again, _ = import_cells(files, {"image": "image_file"})
    assert list(again.obs["image"]) == list(cells.obs["image"])


def test_a_column_of_images_goes_before_the_files(frame, save):
    files = [save(part, f"{i}.csv") for i, (_, part) in enumerate(frame.groupby("sample"))]
    cells, _ = import_cells(files, {})
    assert set(cells.obs["image"]) == {"a", "b"} and cells.obs_names[60] == "61"


def test_images_that_are_numbered_anew_in_each_file_are_told_apart(halves, save):
    for part in halves.values():
        part["fov"] = np.repeat([1, 2], 30)
    cells, _ = import_cells([save(part, f"{name}.csv") for name, part in halves.items()], {})
    assert set(cells.obs["image"]) == {"imgA_1", "imgA_2", "imgB_1", "imgB_2"}


def test_a_folder_of_tables_of_any_ending_is_its_images(halves, save, tmp_path):
    for (name, part), ending in zip(halves.items(), ["csv.gz", "tsv"]):
        save(part, f"f/{name}.{ending}")
        save(part, f"f/.ipynb_checkpoints/{name}-checkpoint.{ending}")
    assert import_cells([tmp_path / "f"], {})[0].n_obs == 120


def test_the_same_cells_twice_are_refused(frame, save):
    files = [save(frame, "mean.csv"), save(frame.assign(CD3=frame["CD3"] * 2), "sum.csv")]
    with pytest.raises(UserError, match="the same cells at the same places.*path: .*mean.csv"):
        import_cells(files, {})


def test_other_cells_of_the_same_ids_are_not_joined(halves, save):
    first, second = halves.values()
    files = [save(first, "a.csv"), save(second.assign(CD8=1.5), "b.csv")]
    with pytest.raises(UserError, match="60 ids of cells in common, of which 60 .*'CD8'.*slices:"):
        import_cells(files, {})


@pytest.mark.parametrize("first", [True, False])
def test_cells_without_annotation_stay(frame, save, caplog, first):
    labels = save(frame[["CellID", "cell_type"]].iloc[10:100], "labels.csv")
    cells = save(frame.drop(columns="cell_type"), "cells.csv")
    data, reference, rows = import_slice([labels, cells] if first else [cells, labels], {})
    assert data.n_obs == 120 and len(reference) == 90
    np.testing.assert_allclose(
        data[[str(i) for i in frame["CellID"]]].obsm["spatial"], frame[["X", "Y"]], rtol=1e-6
    )
    assert "30 of 120 cells have no row there; they stay" in caplog.text
    assert rows["cell"].notna().sum() == 120 and rows["file"].notna().all()


def test_cells_that_a_join_loses_are_told_with_their_number(frame, save, caplog):
    files = [
        save(frame[["CellID", "CD3", "CD20"]].iloc[5:], "a.csv"),
        save(frame.iloc[:100], "b.csv"),
    ]
    assert import_cells(files, {})[0].n_obs == 95
    assert "a.csv: 20 of 115 cells are left out, as" in caplog.text
    assert "b.csv: 5 of 100 cells are left out, as" in caplog.text


def test_labels_of_no_cell_are_left_out_and_said(frame, save, caplog):
    labels = frame[["CellID", "cell_type"]].assign(CellID=frame["CellID"] + 7)
    files = [save(frame.drop(columns="cell_type"), "a.csv"), save(labels, "b.csv")]
    assert import_cells(files, {})[0].n_obs == 120
    assert "b.csv: 7 of 120 cells are left out, as" in caplog.text


def test_what_tells_of_no_cell_is_passed_over(halves, save, tmp_path, caplog):
    for name, part in halves.items():
        path = save(part, f"f/{name}.csv")
    (tmp_path / "f/panel.csv").write_text("channel,name\n1,CD3\n")
    (tmp_path / "f/notes.txt").write_text("as they came\n")
    assert import_cells([path.rsplit("/", 1)[0]], {})[0].n_obs == 120
    assert "passed over" in caplog.text and "panel.csv" in caplog.text


def test_images_of_cells_without_ids_are_told_apart_by_their_files(halves, save):
    parts = [part.drop(columns="CellID").assign(fov=1) for part in halves.values()]
    cells, _ = import_cells([save(part, f"{n}.csv") for n, part in zip("ab", parts)], {})
    assert set(cells.obs["image"]) == {"a_1", "b_1"}
