"""Import: every format into one shape, guesses that say so, and faults named with a remedy."""

import gzip
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml

from spclust import contracts, settings
from spclust.errors import UserError
from spclust.io.importing import import_cells

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NATIVE = DATA / "native"
needs_data = pytest.mark.skipif(
    not NATIVE.is_dir(), reason="the real slices of ../shared/data are not here"
)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 120
    return pd.DataFrame(
        {
            "CellID": range(1, n + 1),
            "CD3": rng.lognormal(size=n),
            "CD20": rng.lognormal(size=n),
            "DAPI": rng.lognormal(size=n),
            "Area": rng.integers(20, 90, n),
            "X": rng.uniform(0, 500, n),
            "Y": rng.uniform(0, 500, n),
            "sample": np.repeat(["a", "b"], n // 2),
            "cell_type": ["T"] * 60 + ["B"] * 50 + ["NK"] * 6 + ["Unknown"] * 4,
        }
    )


@pytest.fixture
def save(tmp_path):
    def write(frame, name="cells.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
        return str(path)

    return write


@pytest.fixture
def h5ad(frame, tmp_path):
    def write(change=lambda cells: None, name="cells.h5ad"):
        cells = anndata.AnnData(
            frame[["CD3", "CD20"]].to_numpy(np.float32),
            obs=frame[["sample", "cell_type", "Area"]].set_axis([f"c{i}" for i in frame.index]),
            var=pd.DataFrame(index=["CD3", "CD20"]),
            obsm={"spatial": frame[["X", "Y"]].to_numpy()},
        )
        cells = change(cells) or cells
        cells.write_h5ad(tmp_path / name)
        return str(tmp_path / name)

    return write


def pasted(caplog):
    """The lines that a guess offers for the config, as YAML."""
    text = next(m for m in caplog.messages if "Paste this" in m)
    return yaml.safe_load(text.split("Change it there:")[1])


# --- one table ------------------------------------------------------------------------------


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


# --- several tables -------------------------------------------------------------------------


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


# --- other formats --------------------------------------------------------------------------


def test_several_mcmicro_tables_are_several_images(frame, save):
    frame = frame.rename(columns={"X": "X_centroid", "Y": "Y_centroid"})
    columns = ["CellID", "DAPI", "CD3", "CD20", "X_centroid", "Y_centroid", "Area"]
    files = [save(frame[columns], f"{name}.csv") for name in ("one", "two")]
    cells = import_cells(files, {})
    assert cells.obs["image"].value_counts().to_dict() == {"one": 120, "two": 120}
    assert list(cells.var_names) == ["CD3", "CD20"] and cells.obs_names[0] == "one_1"


@pytest.fixture
def steinbock(tmp_path, frame):
    for image in ("i1", "i2"):
        for folder in ("intensities", "regionprops"):
            (tmp_path / "sb" / folder).mkdir(parents=True, exist_ok=True)
        table = frame.rename(columns={"CellID": "Object", "Y": "centroid-0", "X": "centroid-1"})
        table[["Object", "CD3", "CD20"]].to_csv(
            tmp_path / f"sb/intensities/{image}.csv", index=False
        )
        table[["Object", "Area", "centroid-0", "centroid-1"]].to_csv(
            tmp_path / f"sb/regionprops/{image}.csv", index=False
        )
    (tmp_path / "sb/panel.csv").write_text("channel,name\nPr141,CD3\n")
    return tmp_path / "sb"


def test_a_steinbock_folder_gives_all_its_images(steinbock, frame):
    cells = import_cells([steinbock], {})
    assert cells.n_obs == 240 and list(cells.var_names) == ["CD3", "CD20"]
    assert cells.obs["image"].nunique() == 2 and cells.obs_names[120] == "i2_1"
    np.testing.assert_allclose(cells.obsm["spatial"][:120], frame[["X", "Y"]], rtol=1e-6)


def test_a_steinbock_image_without_one_of_its_tables_is_named(steinbock):
    (steinbock / "regionprops/i2.csv").unlink()
    with pytest.raises(UserError, match="i2 lacks one"):
        import_cells([steinbock], {})


def test_steinbock_images_with_other_channels_are_named(steinbock):
    path = steinbock / "intensities/i2.csv"
    pd.read_csv(path).rename(columns={"CD3": "CD4"}).to_csv(path, index=False)
    with pytest.raises(UserError, match="i2.csv.*differ in the columns 'CD3', 'CD4'"):
        import_cells([steinbock], {})


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no .csv table"):
        import_cells([tmp_path], {})


@pytest.mark.parametrize("kind", ["dense", "csr", "csc", "int"])
def test_an_h5ad_keeps_what_it_holds(h5ad, frame, kind):
    def change(cells):
        if kind == "int":
            cells.X = (cells.X * 10).astype(int)
        elif kind != "dense":
            cells.X = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[kind](cells.X)
        cells.layers["raw"] = cells.X
        cells.uns["note"] = "mine"
        cells.obsm["X_pca"] = np.ones((120, 3))

    cells = import_cells([h5ad(change)], {})
    assert cells.X.dtype == np.float32 and sp.issparse(cells.X) == (kind in ("csr", "csc"))
    assert cells.uns["note"] == "mine" and {"X_pca", "spatial"} <= set(cells.obsm)
    assert "raw" in cells.layers
    assert list(cells.obs["image"]) == list(frame["sample"])
    assert cells.obs["label"].value_counts().to_dict() == {"T": 60, "B": 50}


def test_an_h5ad_may_have_its_coordinates_in_obs(h5ad, frame):
    def change(cells):
        del cells.obsm["spatial"]
        cells.obs["X_centroid"], cells.obs["Y_centroid"] = frame["X"].values, frame["Y"].values

    cells = import_cells([h5ad(change)], {})
    np.testing.assert_allclose(cells.obsm["spatial"], frame[["X", "Y"]], rtol=1e-6)


def test_an_h5ad_column_may_name_the_cells(h5ad):
    def change(cells):
        cells.obs["who"] = [f"n{i}" for i in range(120)]

    assert import_cells([h5ad(change)], {"cell_id": "who"}).obs_names[0] == "n0"


def test_an_import_can_be_imported_again(h5ad, tmp_path):
    first = import_cells([h5ad()], {})
    first.write_h5ad(tmp_path / "again.h5ad")
    second = import_cells([tmp_path / "again.h5ad"], {"image": "image", "label": "label"})
    assert list(second.obs["image"]) == list(first.obs["image"])
    assert second.obs["label"].value_counts().to_dict() == {"T": 60, "B": 50}
    assert "image_original" not in second.obs


# --- faults ---------------------------------------------------------------------------------


def spoil(column, row, value):
    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value

    return change


TABLE_FAULTS = {
    "text among numbers": (
        spoil("CD3", 4, "abc"), {}, r"line 6, column 'CD3': 'abc' is no finite number.*1 such cell"
    ),
    "missing protein": (spoil("CD20", 4, np.nan), {}, "line 6, column 'CD20': the value is miss"),
    "infinite protein": (spoil("CD20", 4, "inf"), {}, "line 6, column 'CD20': 'inf' is no finite"),
    "missing coordinate": (spoil("X", 0, np.nan), {}, "line 2, column 'X': .*remove the cell"),
    "missing id": (spoil("CellID", 3, ""), {}, "line 5, column 'CellID': .*missing.*cell_id"),
    "missing image": (spoil("sample", 3, ""), {}, "line 5, column 'sample': .*missing.*`image`"),
    "repeated id": (
        spoil("CellID", 1, 1), {"image": None}, r"the cell id '1' is repeated \(line 2, 3\)"
    ),
    "repeated id in an image": (spoil("CellID", 1, 1), {}, r"id 'a/1' is repeated \(line 2, 3\)"),
    "unknown column": (None, {"label": "celltype"}, "no column 'celltype'.*label: cell_type"),
    "unknown protein": (None, {"proteins": ["CD3", "CD9"]}, "no column 'CD9', which `proteins`"),
    "bad pattern": (None, {"proteins": "CD(3"}, "`proteins`.*no regular expression"),
    "no protein": (None, {"proteins": "^nothing$"}, "no protein columns were found.*proteins:"),
    "no coordinates": (lambda f: f.drop(columns="X", inplace=True), {}, "x:  and  y:"),
    "one point": (lambda f: f.__setitem__(["X", "Y"], 7), {}, r"lie at one point \(7, 7\).*x:, y:"),
    "one cell": (lambda f: f.drop(f.index[1:], inplace=True), {}, "1 cell is left"),
    "no cell": (lambda f: f.drop(f.index, inplace=True), {}, "holds no cells, only a header"),
}  # fmt: skip


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_a_fault_of_a_table_is_named_with_its_remedy(frame, save, fault):
    change, cfg, message = TABLE_FAULTS[fault]
    if change is not None:
        change(frame)
    with pytest.raises(UserError, match=message) as error:
        import_cells([save(frame)], cfg)
    assert "cells.csv" in str(error.value) or fault == "bad pattern"


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
    "text.h5ad": (b"a,b\n1,2\n", "no h5ad .*format: table"),
    "cells.xlsx": (b"PK", "the format is not clear.*format: table"),
    "binary.csv": (b"a,b\n\xff\xfe,\x80\n", "no text table"),
    "ragged.csv": (b"CellID,X,Y,CD3\n1,2,3,4\n1,2,3,4,5,6\n", "no text table"),
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


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_h5ad_is_named(h5ad, tmp_path, share):
    whole = Path(h5ad()).read_bytes()
    (tmp_path / "cut.h5ad").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match="cut.h5ad: the file is truncated or damaged"):
        import_cells([tmp_path / "cut.h5ad"], {})


def test_two_h5ad_files_are_no_dataset(h5ad):
    with pytest.raises(UserError, match="one h5ad file a dataset"):
        import_cells([h5ad(name="a.h5ad"), h5ad(name="b.h5ad")], {})


def repeat_names(cells):
    cells.obs_names = ["c0", "c0", *cells.obs_names[2:]]


H5AD_FAULTS = {
    "NaN": (lambda c: c.X.__setitem__((5, 1), np.nan), {}, "cell 'c5', protein 'CD20'"),
    "sparse inf": (
        lambda c: anndata.AnnData(
            sp.csr_matrix(np.where(c.X == c.X[5, 1], np.inf, c.X)), c.obs, c.var, obsm=c.obsm
        ),
        {}, "cell 'c5', protein 'CD20'",
    ),
    "coordinate": (
        lambda c: c.obsm["spatial"].__setitem__((2, 1), np.nan), {}, "row of obs 2.*spatial.*miss"
    ),
    "no coordinates": (lambda c: c.obsm.pop("spatial") is None, {}, "no obsm.'spatial'.*x:  and"),
    "flat coordinates": (
        lambda c: c.obsm.__setitem__("spatial", np.ones((120, 1))), {}, r"has the shape \(120, 1\)"
    ),
    "repeated cells": (repeat_names, {"image": None}, r"'c0' is repeated \(row of obs 0, 1\)"),
    "repeated proteins": (
        lambda c: c.var.__setattr__("index", ["CD3", "CD3"]), {}, "CD3 stand more than once in var"
    ),
    "unknown label": (None, {"label": "type"}, "obs: there is no column 'type'.*cell_type"),
    "unknown x": (None, {"x": "u", "y": "v"}, "there is no column 'u', which `x`"),
    "only x": (None, {"x": "Area"}, "no two obs columns"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*names are not unique")
@pytest.mark.parametrize("fault", H5AD_FAULTS)
def test_a_fault_of_an_h5ad_is_named_with_its_remedy(h5ad, fault):
    change, cfg, message = H5AD_FAULTS[fault]

    def changed(cells):
        result = change(cells) if change else None
        return result if isinstance(result, anndata.AnnData) else None

    with pytest.raises(UserError, match=message) as error:
        import_cells([h5ad(changed)], cfg)
    assert "cells.h5ad" in str(error.value)


def test_an_hdf5_file_of_another_kind_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["matrix"] = np.ones(3)
    with pytest.raises(UserError, match="no AnnData with X, obs and var"):
        import_cells([tmp_path / "other.h5ad"], {})


# --- real data ------------------------------------------------------------------------------


@needs_data
def test_the_three_tables_of_a_kidney_slice_import_without_a_mapping():
    names = ["expression.csv.gz", "cell_data.csv", "scgp_annotations.csv"]
    cells = import_cells([NATIVE / f"DKD_kidney_000.{name}" for name in names], {})
    reference = anndata.read_h5ad(DATA / "dkd_codex_000.h5ad")
    assert list(cells.var_names) == list(reference.var_names)
    np.testing.assert_allclose(cells.X, reference.X, rtol=1e-6)
    np.testing.assert_allclose(cells.obsm["spatial"], reference.obsm["spatial"])
    assert cells.obs["label"].value_counts().to_list() == [2292, 1296, 1291, 343, 147]
    assert cells.obs["label"].isna().sum() == 18


@needs_data
@pytest.mark.parametrize("name", ["dkd_000", "schurch_crc_reg009A"])
def test_an_entry_of_the_registry_leaves_nothing_to_guess(name, caplog):
    """The files of the registry, as far as they lie here, read with the mapping given there."""
    registry = Path(__file__).resolve().parents[1] / "config" / "datasets.yaml"
    entry = yaml.safe_load(registry.read_text())[name]
    paths = [NATIVE / settings.file_name(file) for file in entry["files"]]
    paths = [p if p.exists() else p.with_name(f"{p.name}.gz") for p in paths]
    cells = import_cells(paths, settings.import_cfg(entry))
    assert cells.shape == {"dkd_000": (5387, 21)}.get(name, (2434, 56))
    assert "Paste this" not in caplog.text


@needs_data
def test_the_celesta_table_imports_with_its_56_proteins_without_a_mapping():
    cells = import_cells([NATIVE / "celesta_imaging_data.csv.gz"], {})
    reference = anndata.read_h5ad(DATA / "schurch_crc_codex_reg009A.h5ad")
    assert set(cells.var_names) == set(reference.var_names)
    np.testing.assert_allclose(cells[:, reference.var_names].X, reference.X, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(cells.obsm["spatial"], reference.obsm["spatial"])
    assert cells.obs["label"].nunique() == 9 and cells.obs["image"].unique() == ["reg009_A"]


@needs_data
def test_the_mcmicro_table_imports_without_stains_and_shapes():
    cells = import_cells([NATIVE / "mcmicro_exemplar-001_unmicst_cell.csv.gz"], {})
    assert cells.shape == (11201, 9) and "label" not in cells.obs
    assert list(cells.var_names) == "ELANE CD57 CD45 CD11B SMA CD16 ECAD FOXP3 NCAM".split()


@needs_data
def test_the_steinbock_folder_imports_all_15_images():
    cells = import_cells([NATIVE / "steinbock"], {})
    assert cells.shape == (404, 5) and cells.obs["image"].nunique() == 15


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("*.h5ad")), ids=lambda path: path.stem)
def test_every_real_h5ad_imports_without_a_mapping(path, tmp_path):
    if path.stem.startswith("scrna"):
        with pytest.raises(UserError, match="no coordinates"):
            import_cells([path], {})
        return
    cells = import_cells([path], {})
    contracts.write_cells(cells, tmp_path / "cells.h5ad")
    again = contracts.read_cells(tmp_path / "cells.h5ad", "imported")
    assert again.obs["label"].nunique() >= 3
    assert again.obs["image"].nunique() == again.obs["sample"].nunique()
