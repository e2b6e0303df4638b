"""Formats are the modules of a folder: asked in a fixed order, a new one needs one file."""

import shutil
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from spclust.data import formats
from spclust.errors import UserError
from spclust.io import readers
from spclust.io.importing import import_cells
from spclust.plan import datasets

# the readers that may be asked for a text table
TEXT = [name for name in formats.names() if formats.may_read(name, "a.csv")]


@pytest.fixture
def new_reader(tmp_path, monkeypatch):
    """Add a module to a copy of the folder of formats."""
    folder = shutil.copytree(formats.FOLDER, tmp_path / "readers")
    monkeypatch.setattr(formats, "FOLDER", folder)
    monkeypatch.setattr(readers, "__path__", [str(folder)])

    def write(name, code):
        (folder / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, f"spclust.io.readers.{name}", raising=False)

    yield write
    for name in [n for n in sys.modules if n.startswith("spclust.io.readers.new")]:
        del sys.modules[name]


def test_the_schema_lists_the_formats_there_are():
    listed = datasets.load_schema("dataset")["properties"]["format"]["enum"]
    assert {"h5ad", "halo", "mcmicro", "qupath", "table", "zarr"} <= set(listed)


def test_special_formats_are_asked_before_general_ones():
    names = formats.names()
    assert names[-1] == "table" and names.index("zarr") < names.index("h5ad")


def test_the_example_of_the_documentation_is_a_format(new_reader, tmp_path):
    example = readers.__doc__.split("in full::")[1]
    new_reader("new_example", textwrap.dedent(example))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "cell": [f"{i:03d}" for i in range(40)],
            "fov": ["1"] * 20 + ["2"] * 20,
            "mean_CD3": rng.uniform(size=40),
            "mean_CD20": rng.uniform(size=40),
            "um_right": rng.uniform(size=40),
            "um_down": rng.uniform(size=40),
        }
    )
    path = tmp_path / "s1_cells.tsv"
    frame.to_csv(path, sep="\t", index=False)
    data, _ = import_cells([path], {})
    assert data.obs_names[1] == "001" and list(data["protein"].var_names) == ["CD3", "CD20"]
    assert data.obs["image"].value_counts().to_dict() == {"1": 20, "2": 20}
    np.testing.assert_allclose(data.obsm["spatial"], frame[["um_right", "um_down"]], rtol=1e-6)
    # its faults are found behind it
    frame.loc[3, "mean_CD3"] = np.inf
    frame.to_csv(path, sep="\t", index=False)
    with pytest.raises(UserError, match="s1_cells.tsv, cell '003', feature 'CD3'"):
        import_cells([path], {})


def test_a_format_may_give_several_modalities(new_reader, tmp_path):
    new_reader(
        "new_pair",
        "import anndata, numpy as np\n"
        "READS = ['*.pair']\n"
        "def read(files, cfg):\n"
        "    parts = {m: anndata.AnnData(np.ones((4, 2))) for m in ('rna', 'adt')}\n"
        "    parts['adt'].obs['x'], parts['adt'].obs['y'] = range(4), range(4)\n"
        "    return parts\n",
    )
    (tmp_path / "cells.pair").touch()
    data, _ = import_cells([tmp_path / "cells.pair"], {})
    assert list(data.mod) == ["rna", "adt"] and data["rna"].X.dtype == np.float32
    np.testing.assert_array_equal(data.obsm["spatial"][:, 1], range(4))


def test_a_file_of_no_format_is_answered_with_those_there_are(new_reader, tmp_path):
    new_reader("new_format", 'READS = ("*.dat",)\ndef recognises(files):\n    return False\n')
    with pytest.raises(UserError, match="cells.dat.*format: table.*mcmicro.*new_format.*steinb"):
        import_cells([tmp_path / "cells.dat"], {})


def test_a_reader_that_does_not_say_what_it_reads_is_answered_with_a_line(new_reader):
    new_reader("new_format", "READS = '*.csv'\n")
    with pytest.raises(UserError, match=r"new_format.py: .* READS = \(\"\*.csv\",\)"):
        formats.names()


def test_a_reader_is_asked_for_what_it_may_read_only(new_reader, tmp_path):
    new_reader("new_greedy", "READS = ()\ndef recognises(files):\n    return True\n")
    (tmp_path / "cells.csv").write_text("cell,x\na,1\n")
    assert readers.recognise([tmp_path / "cells.csv"]) == "table"


@pytest.mark.parametrize(
    ("definition", "asked"),
    [
        ({"path": "a/cells.h5ad"}, ["h5ad"]),
        ({"path": {"rna": "a.h5ad", "adt": "b.h5ad"}}, ["h5ad"]),
        ({"path": "cells.H5MU"}, ["h5mu"]),
        ({"path": ["a.csv", "b.csv.gz"]}, TEXT),
        ({"path": ["a.csv", "b.tsv"], "format": "table"}, ["table"]),
        ({"path": "cells.dat"}, []),
        ({"simulate": {}}, ["h5ad"]),
        (
            {"files": [{"url": "https://x.org/cells.csv?download=1", "name": "c.csv"}]},
            TEXT,
        ),
        ({"files": [{"url": "https://x.org/a/cells.h5mu"}]}, ["h5mu"]),
    ],
)
def test_the_readers_of_files_are_known_before_the_files_are_there(definition, asked):
    assert datasets.formats_of(definition | {"name": "mine"}) == asked


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        (["intensities/a.csv", "regionprops/a.csv"], [*TEXT[:-1], "steinbock", "table"]),
        (["table/zarr.json", "table/X/c/0"], ["zarr"]),
        (["tables/table/.zgroup", "tables/.zgroup", "zarr.json"], ["zarr"]),
    ],
)
def test_the_readers_of_a_folder_are_known_by_what_is_in_it(tmp_path, files, asked):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    folder = tmp_path / files[0].split("/")[0] if "table" in files[0] else tmp_path
    assert datasets.formats_of({"path": str(folder), "name": "mine"}) == asked
