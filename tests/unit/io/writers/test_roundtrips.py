"""What is exported goes through programs that have their own environments.

Each environment is made from the package index, which takes minutes: `make test-roundtrips`.
"""

import subprocess
import sys

import numpy as np
import pytest
from exported import add, imported

pytestmark = [pytest.mark.slow, pytest.mark.roundtrip]

SCIMAP = """
import sys
import anndata
import scimap

cells = anndata.read_h5ad(sys.argv[1])
cells = scimap.tl.spatial_count(cells, method="knn", knn=5)
cells = scimap.tl.spatial_interaction(cells, method="knn", knn=5, permutation=10)
cells = scimap.tl.spatial_distance(cells)
print("columns:", *sorted(cells.uns["spatial_count"].columns), sep="|")
print("pairs:", len(cells.uns["spatial_interaction"]))
print("distances:", *cells.uns["spatial_distance"].shape)
"""


def environment(folder, *packages):
    """A Python with packages from the index; the test is skipped where that does not work."""
    python = folder / "bin/python"
    commands = [
        [sys.executable, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no environment with {packages[0]}: {done.stderr.strip()[-300:]}")
    return python


def test_scimap_goes_over_the_export(tmp_path):
    # numcodecs 0.16 lacks what the zarr 2 that scimap asks for imports of it
    python = environment(tmp_path / "scimap", "scimap", "numcodecs<0.16")
    names = ["B cell", "T cell", "unknown (CD4+)"]
    data, labels, table, *others = imported()
    table["name"] = np.array(names, dtype=object)[np.arange(60) % 3]
    cells = add((data, labels, table, *others), scimap=True)
    cells.write_h5ad(tmp_path / "clustered.h5ad", compression="gzip")
    command = [python, "-W", "ignore", "-c", SCIMAP, tmp_path / "clustered.h5ad"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    said = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    assert said["columns"].split("|")[1:] == names
    assert int(said["pairs"]) == 9 and said["distances"].split() == ["60", "3"]
