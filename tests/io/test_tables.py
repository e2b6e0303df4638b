"""Tables: columns guessed, roles mapped, labels kept or left out, several files joined."""

import numpy as np
import pandas as pd
import pytest
import yaml

from spclust import contracts
from spclust.errors import UserError
from spclust.io.importing import import_cells


def pasted(caplog):
    """The lines that a guess offers for the config, as YAML."""
    text = next(m for m in caplog.messages if "Paste this" in m)
    return yaml.safe_load(text.split("Change it there:")[1])


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv", "cells.csv.gz", "cells.tsv.gz"])
def test_a_table_is_imported_by_the_names_of_its_columns(frame, save, tmp_path, name):
    cells = import_cells([save(frame, name)], {})
    assert list(cells.var_names) == ["CD3", "CD20"]
    assert list(cells.obs_names[:2]) == ["1", "2"]
    np.testing.assert_allclose(cells.X, frame[["CD3", "CD20"]], rtol=1e-6)
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert cells.X.dtype == cells.obsm["spatial"].dtype == np.float32
    assert list(cells.obs["image"]) == list(frame["sample"])
    assert {"DAPI", "Area", "cell_type", "sample"} <= set(cells.obs)
    contracts.write_cells(cells, tmp_path / "out.h5ad")
    again = contracts.read_cells(tmp_path / "out.h5ad", "imported")
    assert list(again.obs["label"].cat.categories) == ["B", "T"]


def test_the_guess_is_shown_as_lines_that_give_the_same_when_pasted(frame, save, caplog):
    path = save(frame)
    guessed = import_cells([path], {})
    lines = pasted(caplog)
    assert lines["image"] == "sample" and lines["proteins"] == ["CD3", "CD20"]
    caplog.clear()
    given = import_cells([path], lines)
    assert not caplog.messages
    np.testing.assert_array_equal(guessed.X, given.X)
    pd.testing.assert_frame_equal(guessed.obs, given.obs)


def test_a_mapping_overrules_the_guess(frame, save):
    frame = frame.rename(columns={"X": "u", "Y": "v", "CellID": "who"})
    cfg = {
        "cell_id": "who", "x": "u", "y": "v", "image": None, "label": None, "proteins": "^CD20|^DA",
    }  # fmt: skip
    cells = import_cells([save(frame)], cfg | {"exclude_proteins": []})
    assert list(cells.var_names) == ["CD20", "DAPI"]
    assert cells.obs["image"].nunique() == 1 and "label" not in cells.obs
    assert list(import_cells([save(frame)], cfg).var_names) == ["CD20"]


def test_an_ordered_list_of_proteins_is_taken_as_it_is(frame, save):
    cells = import_cells([save(frame)], {"proteins": ["DAPI", "CD3"]})
    assert list(cells.var_names) == ["DAPI", "CD3"]


def test_stains_are_left_out_and_said(frame, save, caplog):
    import_cells([save(frame)], {})
    assert "DNA stains or background: DAPI" in caplog.text
    assert "exclude_proteins: []" in caplog.text


def test_ids_that_start_anew_in_each_image_get_the_image_in_front(frame, save):
    frame["CellID"] = [*range(60), *range(60)]
    assert list(import_cells([save(frame)], {}).obs_names[[0, 60]]) == ["a_0", "b_0"]


def test_leading_zeros_of_ids_and_images_are_kept(frame, save):
    frame["CellID"] = [f"{i:04d}" for i in frame["CellID"]]
    frame["sample"] = frame["sample"].map({"a": "001", "b": "002"})
    cells = import_cells([save(frame)], {})
    assert cells.obs_names[0] == "0001" and cells.obs["image"].iloc[0] == "001"


def test_cells_without_ids_are_numbered_and_that_is_said(frame, save, caplog):
    cells = import_cells([save(frame.drop(columns="CellID"))], {})
    assert list(cells.obs_names[:2]) == ["1", "2"]
    assert "numbered by their rows" in caplog.text


def test_names_of_this_workflow_in_the_input_are_kept_under_another(frame, save, tmp_path):
    frame["label"], frame["image"], frame["n/c"] = range(120), frame["sample"], "yes"
    cells = import_cells([save(frame)], {"label": "cell_type", "image": "sample"})
    assert list(cells.obs["label_original"]) == list(range(120))
    assert "image_original" in cells.obs and "n_c" in cells.obs
    contracts.write_cells(cells, tmp_path / "out.h5ad")


# --- labels ---------------------------------------------------------------------------------


def test_labels_of_no_class_and_small_classes_are_missing_but_the_cells_stay(frame, save):
    cells = import_cells([save(frame)], {})
    assert cells.n_obs == 120
    assert cells.obs["label"].value_counts().to_dict() == {"T": 60, "B": 50}
    assert cells.obs["cell_type"].value_counts()["NK"] == 6


def test_cells_that_are_not_scored_can_be_dropped(frame, save):
    cells = import_cells([save(frame)], {"drop_unscored": True})
    assert cells.n_obs == 110 and cells.obs["label"].notna().all()


def test_a_smaller_minimum_scores_more_classes(frame, save):
    cells = import_cells([save(frame)], {"min_label_size": 5})
    assert set(cells.obs["label"].cat.categories) == {"T", "B", "NK"}


def test_named_labels_replace_the_default_list(frame, save):
    cells = import_cells([save(frame)], {"ignore_labels": ["t"], "min_label_size": 0})
    assert set(cells.obs["label"].cat.categories) == {"B", "NK", "Unknown"}


@pytest.mark.parametrize("prefix", ["", "SCGP_"])
def test_minus_one_is_no_class_with_a_prefix_or_without(frame, save, prefix):
    frame["cell_type"] = [f"{prefix}{i}" for i in [0] * 60 + [-1] * 60]
    cells = import_cells([save(frame)], {})
    assert cells.obs["label"].value_counts().to_dict() == {f"{prefix}0": 60}


def test_whole_numbers_saved_with_a_decimal_point_are_labels_without(frame, save):
    frame["cell_type"] = [0.0] * 60 + [1.0] * 58 + [np.nan] * 2
    cells = import_cells([save(frame)], {})
    assert cells.obs["label"].value_counts().to_dict() == {"0": 60, "1": 58}


def test_no_class_large_enough_is_said(frame, save, caplog):
    cells = import_cells([save(frame)], {"min_label_size": 100})
    assert cells.obs["label"].isna().all()
    assert "lower `min_label_size`" in caplog.text


def test_dropping_without_labels_is_refused(frame, save):
    with pytest.raises(UserError, match="`drop_unscored` needs labels"):
        import_cells([save(frame)], {"label": None, "drop_unscored": True})


def test_dropping_every_cell_is_refused(frame, save):
    with pytest.raises(UserError, match="no cells are left.*lower `min_label_size`"):
        import_cells([save(frame)], {"min_label_size": 100, "drop_unscored": True})


def test_tables_are_joined_on_the_cell_id_in_whatever_order(frame, save):
    places = frame[["CellID", "X", "Y"]].sample(frac=1, random_state=0)
    files = [
        save(frame[["CellID", "CD3", "CD20"]], "a.csv"),
        save(places, "b.csv"),
        save(frame[["CellID", "cell_type"]].iloc[10:], "c.csv"),
    ]
    cells = import_cells(files, {})
    assert cells.n_obs == 110 and cells.obs_names[0] == "11"
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]].iloc[10:], rtol=1e-6)
    np.testing.assert_allclose(cells.X[:, 0], frame["CD3"].iloc[10:], rtol=1e-6)


def test_tables_of_several_images_are_joined_on_image_and_id(frame, save):
    frame["CellID"] = [*range(60), *range(60)]
    files = [
        save(frame[["sample", "CellID", "CD3", "CD20"]], "a.csv"),
        save(frame[["sample", "CellID", "X", "Y"]].iloc[::-1], "b.csv"),
    ]
    cells = import_cells(files, {})
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)


def test_a_join_without_common_cells_names_files_and_ids(frame, save):
    other = frame[["CellID", "X", "Y"]].assign(CellID=lambda t: "cell" + t["CellID"].astype(str))
    files = [save(frame[["CellID", "CD3"]], "a.csv"), save(other, "b.csv")]
    with pytest.raises(UserError, match=r"b\.csv and .*a\.csv have no cell in common.*cell1.*1, 2"):
        import_cells(files, {})


def test_tables_without_a_common_id_column_are_refused(frame, save):
    files = [save(frame[["CellID", "CD3"]], "a.csv"), save(frame[["X", "Y"]], "b.csv")]
    with pytest.raises(UserError, match="share no column of cell ids.*cell_id:"):
        import_cells(files, {})


def test_several_mcmicro_tables_are_several_images(frame, save):
    frame = frame.rename(columns={"X": "X_centroid", "Y": "Y_centroid"})
    columns = ["CellID", "DAPI", "CD3", "CD20", "X_centroid", "Y_centroid", "Area"]
    files = [save(frame[columns], f"{name}.csv") for name in ("one", "two")]
    cells = import_cells(files, {})
    assert cells.obs["image"].value_counts().to_dict() == {"one": 120, "two": 120}
    assert list(cells.var_names) == ["CD3", "CD20"] and cells.obs_names[0] == "one_1"
