"""A sheet of samples: what is made of it, and what an edit of it makes again."""

import numpy as np
import pandas as pd
import pytest
from workflow import TINY, Project, changed

from spclust.data.cell_files import read_mudata, unit_of

pytestmark = pytest.mark.slow

SHEET = "image,patient,age,pixel_size\n{0},007,51,0.5\n{1},008,60,0.25\n"
SHEETS = {"one.tsv": ("a", "b"), "both.csv": ("left", "right")}
CLUSTERS = "preprocess-default/seed-1/method-kmeans/clusters.csv"
# not all: a UMAP compiles for half a minute in every process
TARGETS = ["results/summary/samples.tsv", *(f"results/{d}/{CLUSTERS}" for d in ("one", "both"))]
TABLES = {"check_samples": 2, "summarise_samples": 1}


def cells_file(folder, name, images):
    """Cells with their places in pixels, as somebody's table."""
    rng = np.random.default_rng(len(name))
    frame = pd.DataFrame(rng.lognormal(size=(120, 4)), columns=["CD3", "CD20", "CD8", "CD4"])
    frame.insert(0, "CellID", range(120))
    frame[["x_px", "y_px"]] = rng.uniform(0, 100, size=(120, 2))
    frame["fov"] = np.repeat(images, 120 // len(images))
    frame.to_csv(folder / f"{name}.csv", index=False)
    return {"name": name, "path": f"{name}.csv"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("samples") / "spclust")
    one = cells_file(project.folder, "one", ["a", "b"]) | {"samples": "one.tsv", "n_clusters": 3}
    slices = [cells_file(project.folder, name, ["only"]) for name in SHEETS["both.csv"]]
    both = {"name": "both", "slices": slices, "samples": "both.csv", "n_clusters": 3}
    project.configure(changed(TINY, datasets=[one, both], runs=[{"name": "kmeans"}]))
    write_sheets(project)
    done = project.snakemake(*TARGETS)
    assert done.code == 0, done.text
    return project


def write_sheets(project, old="", new=""):
    """The sheet of each dataset, with a part of its text replaced."""
    for file, images in SHEETS.items():
        text = SHEET.format(*images).replace(old, new)
        (project.folder / file).write_text(text)


def test_the_summary_has_a_row_for_each_image(finished):
    table = pd.read_csv(finished.path("summary/samples.tsv"), sep="\t", dtype=str)
    assert list(table) == "dataset image slice cells patient age pixel_size".split()
    assert table["image"].tolist() == ["a", "b", "left", "right"]
    assert table["slice"].tolist() == ["one", "one", "left", "right"]
    assert table["patient"].tolist() == ["007", "008"] * 2
    assert table["cells"].tolist() == ["60", "60", "120", "120"]


def test_places_are_in_micrometres(finished):
    for name, files in (("one", ["one"]), ("both", ["left", "right"])):
        data = read_mudata(finished.path(f"{name}/cells.h5mu"), "imported")
        given = pd.concat([pd.read_csv(finished.folder / f"{file}.csv") for file in files])
        size = np.repeat([0.5, 0.25], len(given) // 2)[:, None]
        np.testing.assert_allclose(data.obsm["spatial"], given[["x_px", "y_px"]] * size, rtol=1e-6)
        assert unit_of(data) == "µm"


AFTER = ("preprocess_cells", "choose_n_clusters", "cluster_cells")
EDITS = {
    "a covariate": ("51", "52", TABLES),
    "one column more, without a name": ("\n", ",\n", TABLES),
    "the size of pixels": (
        "0.25",
        "0.75",
        TABLES | dict.fromkeys(AFTER, 2) | {"import_cells": 1, "join_slices": 1},
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_of_the_sheet_makes_again_what_it_changes(finished, old, new, expected):
    write_sheets(finished, old, new)
    try:
        done = finished.snakemake("-n", *TARGETS)
        assert done.code == 0, done.text
        assert done.jobs == expected
    finally:
        write_sheets(finished)


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("image,pixel_size\na,0.5\n", "take one of the two out"),
        ("image,area\na,none\n", "one.tsv, line 2, column 'area': 'none' is not a number"),
        (None, "one.tsv: cannot be read (No such file or directory); correct  samples:"),
    ],
)
def test_a_sheet_that_cannot_be_used_is_told_before_anything_runs(finished, sheet, message):
    config = finished.folder / "test.yaml"
    before = config.read_text()
    (finished.folder / "one.tsv").unlink()
    if sheet is not None:
        (finished.folder / "one.tsv").write_text(sheet)
    config.write_text(before.replace("samples: one.tsv", "samples: one.tsv\n  pixel_size: 0.5"))
    try:
        done = finished.snakemake("-n", *TARGETS)
        assert done.code != 0 and message in done.text, done.text
        assert "Traceback" not in done.text
    finally:
        config.write_text(before)
        write_sheets(finished)
