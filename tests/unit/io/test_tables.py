"""Tables: columns guessed, roles mapped, labels kept or left out, several files joined."""

import numpy as np
import pandas as pd
import pytest
import yaml

from spclust.data.atomic import write_table
from spclust.data.cell_files import read_mudata, write_mudata
from spclust.data.labels import read_labels
from spclust.errors import UserError
from spclust.io import textfiles
from spclust.io.importing import import_cells


def pasted(caplog):
    """The lines that a guess offers for the config, as YAML."""
    text = next(m for m in caplog.messages if "Paste this" in m)
    return yaml.safe_load(text.split("Change it there:")[1])


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv", "cells.csv.gz", "cells.tsv.gz"])
def test_a_table_is_imported_by_the_names_of_its_columns(frame, save, tmp_path, name):
    data, labels = import_cells([save(frame, name)], {})
    cells = data["protein"]
    assert list(cells.var_names) == ["CD3", "CD20"]
    assert list(cells.obs_names[:2]) == list(data.obs_names[:2]) == ["1", "2"]
    np.testing.assert_allclose(cells.X, frame[["CD3", "CD20"]], rtol=1e-6)
    np.testing.assert_allclose(data.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    assert cells.X.dtype == data.obsm["spatial"].dtype == np.float32
    assert list(data.obs["image"]) == list(frame["sample"])
    assert {"DAPI", "Area", "cell_type", "sample"} <= set(cells.obs)
    write_mudata(data, tmp_path / "cells.h5mu")
    write_table(labels, tmp_path / "labels.csv")
    again = read_mudata(tmp_path / "cells.h5mu", "imported")
    np.testing.assert_array_equal(again["protein"].X, cells.X)
    reference = read_labels(tmp_path / "labels.csv", again.obs_names)
    assert reference.value_counts().to_dict() == {"T": 60, "B": 50} and reference.isna().sum() == 10


def test_the_guess_is_shown_as_lines_that_give_the_same_when_pasted(frame, save, caplog):
    path = save(frame)
    guessed, _ = import_cells([path], {})
    lines = pasted(caplog)
    assert lines["image"] == "sample" and lines["proteins"] == ["CD3", "CD20"]
    caplog.clear()
    given, _ = import_cells([path], lines)
    assert not caplog.messages
    np.testing.assert_array_equal(guessed["protein"].X, given["protein"].X)
    pd.testing.assert_frame_equal(guessed.obs, given.obs)


def test_a_mapping_overrules_the_guess(frame, save):
    frame = frame.rename(columns={"X": "u", "Y": "v", "CellID": "who"})
    cfg = {
        "cell_id": "who",
        "x": "u",
        "y": "v",
        "image": None,
        "label": None,
        "proteins": "^CD|^DA|^Ar",
    }
    data, labels = import_cells([save(frame)], cfg | {"exclude_proteins": ["Area"]})
    assert list(data["protein"].var_names) == ["CD3", "CD20"]
    assert set(data.obs["image"]) == {"image"} and labels.empty
    assert list(labels) == ["cell", "label", "scored"]
    data, _ = import_cells([save(frame)], cfg | {"exclude_proteins": []})
    assert list(data["protein"].var_names) == ["CD3", "CD20", "DAPI", "Area"]


def test_an_ordered_list_of_proteins_is_taken_as_it_is(frame, save):
    cells, _ = import_cells([save(frame)], {"proteins": ["DAPI", "CD3"]})
    assert list(cells["protein"].var_names) == ["DAPI", "CD3"]


def test_stains_are_left_out_and_said(frame, save, caplog):
    import_cells([save(frame)], {})
    assert "nuclear stain (1): DAPI; to keep all such write  exclude_proteins: []" in caplog.text
    assert "shape (1): Area" in caplog.text


def test_ids_that_start_anew_in_each_image_get_the_image_in_front(frame, save):
    frame["CellID"] = [*range(60), *range(60)]
    assert list(import_cells([save(frame)], {})[0].obs_names[[0, 60]]) == ["a_0", "b_0"]


def test_leading_zeros_of_ids_and_images_are_kept(frame, save):
    frame["CellID"] = [f"{i:04d}" for i in frame["CellID"]]
    frame["sample"] = frame["sample"].map({"a": "001", "b": "002"})
    cells, _ = import_cells([save(frame)], {})
    assert cells.obs_names[0] == "0001" and cells.obs["image"].iloc[0] == "001"


def test_cells_without_ids_are_numbered_and_that_is_said(frame, save, caplog):
    cells, _ = import_cells([save(frame.drop(columns="CellID"))], {})
    assert list(cells.obs_names[:2]) == ["1", "2"]
    assert "numbered by their rows" in caplog.text


def test_names_of_this_workflow_in_the_input_are_kept_under_another(frame, save, tmp_path):
    frame["label"], frame["image"], frame["n/c"] = range(120), frame["sample"], "yes"
    frame["pseudolabel"], frame["slice"] = "one", "tissue"
    data, _ = import_cells([save(frame)], {"label": "cell_type", "image": "sample"})
    obs = data["protein"].obs
    assert list(obs["label_original"]) == list(range(120))
    assert {"image_original", "slice_original", "pseudolabel_original", "n_c"} <= set(obs)
    write_mudata(data, tmp_path / "out.h5mu")


# --- labels ---------------------------------------------------------------------------------


def scored(labels):
    return labels.loc[labels["scored"], "label"].value_counts().to_dict()


def test_labels_of_no_class_and_small_classes_are_not_scored_but_the_cells_stay(frame, save):
    data, labels = import_cells([save(frame)], {})
    assert data.n_obs == 120 and "label" not in data["protein"].obs
    assert scored(labels) == {"T": 60, "B": 50}
    assert labels["label"].value_counts().to_dict() == {"T": 60, "B": 50, "NK": 6}
    assert data["protein"].obs["cell_type"].value_counts()["Unknown"] == 4


def test_cells_that_are_not_scored_can_be_dropped(frame, save):
    data, labels = import_cells([save(frame)], {"drop_unscored": True})
    assert data.n_obs == data["protein"].n_obs == 110 and len(data.obsm["spatial"]) == 110
    assert labels["scored"].all() and list(labels["cell"]) == list(data.obs_names)


def test_a_smaller_minimum_scores_more_classes(frame, save):
    _, labels = import_cells([save(frame)], {"min_label_size": 5})
    assert set(scored(labels)) == {"T", "B", "NK"}


def test_named_labels_replace_the_default_list(frame, save):
    _, labels = import_cells([save(frame)], {"ignore_labels": ["t"], "min_label_size": 0})
    assert set(scored(labels)) == set(labels["label"]) == {"B", "NK", "Unknown"}


@pytest.mark.parametrize("prefix", ["", "SCGP_"])
def test_minus_one_is_no_class_with_a_prefix_or_without(frame, save, prefix):
    frame["cell_type"] = [f"{prefix}{i}" for i in [0] * 60 + [-1] * 60]
    _, labels = import_cells([save(frame)], {})
    assert scored(labels) == {f"{prefix}0": 60} and len(labels) == 60


def test_whole_numbers_saved_with_a_decimal_point_are_labels_without(frame, save):
    frame["cell_type"] = [0.0] * 60 + [1.0] * 58 + [np.nan] * 2
    _, labels = import_cells([save(frame)], {})
    assert scored(labels) == {"0": 60, "1": 58}


def test_names_that_look_like_numbers_or_nothing_survive_the_file(frame, save, tmp_path):
    frame["cell_type"] = ["007"] * 60 + ["NA"] * 60
    frame["cell_type"] = "type " + frame["cell_type"]
    _, labels = import_cells([save(frame)], {})
    labels["label"] = labels["label"].str.removeprefix("type ")
    labels.loc[0, "cell"] = "NA"
    write_table(labels, tmp_path / "labels.csv")
    read = read_labels(tmp_path / "labels.csv", labels["cell"])
    assert read.value_counts().to_dict() == {"NA": 60, "007": 60}


def test_no_class_large_enough_is_said(frame, save, caplog):
    _, labels = import_cells([save(frame)], {"min_label_size": 100})
    assert not labels["scored"].any() and len(labels) == 116
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
    cells, _ = import_cells(files, {})
    assert cells.n_obs == 120 and cells.obs_names[0] == "1"
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)
    np.testing.assert_allclose(cells["protein"].X[:, 0], frame["CD3"], rtol=1e-6)


def test_tables_of_several_images_are_joined_on_image_and_id(frame, save):
    frame["CellID"] = [*range(60), *range(60)]
    files = [
        save(frame[["sample", "CellID", "CD3", "CD20"]], "a.csv"),
        save(frame[["sample", "CellID", "X", "Y"]].iloc[::-1], "b.csv"),
    ]
    cells, _ = import_cells(files, {})
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
    cells, _ = import_cells(files, {})
    assert cells.obs["image"].value_counts().to_dict() == {"one": 120, "two": 120}
    assert list(cells["protein"].var_names) == ["CD3", "CD20"] and cells.obs_names[0] == "one_1"


def test_a_table_read_piece_by_piece_is_that_read_at_once(frame, save, monkeypatch):
    odd = frame.assign(late=1.5, gap=None, flag=True, whole=range(120)).astype(object)
    odd.loc[100:, ["late", "gap", "flag", "whole"]] = ["high", "text", 2.5, 0.5]
    odd.loc[50, "CD3"] = None
    path = save(odd)
    at_once = textfiles.parse(path, dtype={"sample": str})
    monkeypatch.setattr(textfiles, "PIECE", 30)
    pieces = textfiles.parse(path, dtype={"sample": str})
    pd.testing.assert_frame_equal(pieces, at_once)
    assert isinstance(pieces.index, pd.RangeIndex) and pieces["late"].iloc[0] == "1.5"
