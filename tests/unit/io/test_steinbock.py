"""A steinbock folder: all its images, or which one lacks what."""

import numpy as np
import pandas as pd
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells


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
    cells, _ = import_cells([steinbock], {})
    assert cells.n_obs == 240 and list(cells["protein"].var_names) == ["CD3", "CD20"]
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
    with pytest.raises(UserError, match="holds no table"):
        import_cells([tmp_path], {})


def test_cells_without_one_of_their_rows_are_told_by_image(steinbock, caplog):
    path = steinbock / "regionprops/i2.csv"
    pd.read_csv(path).iloc[3:].to_csv(path, index=False)
    assert import_cells([steinbock], {})[0].n_obs == 237
    assert "3 of 240 cells are left out" in caplog.text and "by image i2 3" in caplog.text


def test_a_steinbock_image_without_cells_is_left_out_and_said(steinbock, caplog):
    for folder in ("intensities", "regionprops"):
        path = steinbock / folder / "i2.csv"
        pd.read_csv(path).iloc[:0].to_csv(path, index=False)
    cells, _ = import_cells([steinbock], {})
    assert cells.n_obs == 120 and set(cells.obs["image"]) == {"i1"}
    assert "1 image is left out, without cells: i2" in caplog.text
