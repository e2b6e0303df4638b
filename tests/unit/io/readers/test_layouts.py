"""Tables as programs write them: which columns name a cell, its image and its place."""

import csv

import numpy as np
import pytest
import yaml

from spclust.io.importing import import_cells

# format, and the columns of id, image, x and y
LAYOUTS = {
    "01_qupath_detection": ("qupath", "Object ID", "Image", "Centroid X µm", "Centroid Y µm"),
    "02_qupath_cells_v06": ("qupath", "Object ID", "Image", "Centroid X µm", "Centroid Y µm"),
    "03_qupath_celldetection": ("qupath", None, "Image", "Centroid X µm", "Centroid Y µm"),
    "07_inform_merge": ("inform", "Cell ID", "Sample Name", "Cell X Position", "Cell Y Position"),
    "08_inform_comma": ("inform", "Cell ID", "Sample Name", "Cell X Position", "Cell Y Position"),
    "09_inform_consolidated": (
        "inform",
        "Cell ID",
        "Sample Name",
        "Cell X Position",
        "Cell Y Position",
    ),
    # its numbers of cells are shuffled, so that they name none
    "11_cellprofiler_imc": (
        "cellprofiler",
        None,
        "ImageNumber",
        "Location_Center_X",
        "Location_Center_Y",
    ),
    "13_codex_goltsev": ("codex", None, None, "X.X", "Y.Y"),
    "14_ark_lda": ("ark", "label", "fov", "centroid-1", "centroid-0"),
    "15b_ark_new": ("ark", "label", "fov", "centroid-1", "centroid-0"),
    "16_spacec_compensated": ("codex", "cell_id:cell_id", "region:region", "x:x", "y:y"),
    "18_cytomap_csv": ("cytomap", None, None, "Position X", "Position Y"),
    "25_mcmicro_props": ("mcmicro", "CellID", None, "X_centroid", "Y_centroid"),
    "28_histocat": ("histocat", "CellId", "ImageId", "X_position", "Y_position"),
} | {
    name: ("halo", "Object Id", "Image Location", "(XMin+XMax)/2", "(YMin+YMax)/2")
    for name in ("04_halo_itime", "05_halo_colon", "06_halo_highplex")
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_columns_of_a_program_are_known(name, shared_tables, read):
    format, *columns = LAYOUTS[name]
    known, table = read(shared_tables / name)
    assert known == format
    assert [table.roles.get(key) for key in ("cell_id", "image", "x", "y")] == columns


def test_every_shared_table_of_a_text_program_is_tried(shared_tables):
    with (shared_tables / "expected.tsv").open() as file:
        names = {row["file"].split("/")[0] for row in csv.DictReader(file, delimiter="\t")}
    # expression beside metadata: their readers have tests of their own
    assert names - {"21_cosmx_rna", "22_xenium_cells", "23_merscope"} == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_a_program_settles_is_printed_as_lines_to_paste(name, shared_tables, caplog):
    folder = shared_tables / name
    first, _ = import_cells([folder], {})
    text = next(m for m in caplog.messages if "Paste this" in m)
    lines = yaml.safe_load(text.split("Change it there:")[1])
    assert lines["format"] == LAYOUTS[name][0]
    assert [lines.get(key) for key in ("x", "y")] == list(LAYOUTS[name][3:])
    caplog.clear()
    again, _ = import_cells([folder], lines)
    assert not [m for m in caplog.messages if "Paste this" in m]
    assert again.obs_names.equals(first.obs_names)
    np.testing.assert_array_equal(again["protein"].X, first["protein"].X)
