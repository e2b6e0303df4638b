"""Jobs import what they use: each costs a second or more, in every job of every run."""

import subprocess
import sys

import pytest
from planted import cells_of

from spclust.data import cell_files

LARGE = {"scipy.stats", "sklearn", "anndata", "mudata", "torch", "umap", "numba", "scanpy"}
USED = {
    "spclust.analyses.task": set(),
    "spclust.analyses.markers": set(),
    "spclust.analyses.names": set(),
    "spclust.analyses.metrics": {"scipy.stats", "sklearn"},
    "spclust.analyses.umap": {"scipy.stats", "sklearn", "numba"},
    "spclust.plots.runs": set(),
    "spclust.stages.graphs": {"scipy.stats", "sklearn"},
}


def imported(code, *arguments):
    """Large packages that code imports in a process of its own."""
    library = str(cell_files.__file__).partition("/spclust/data/")[0]
    code = f"import sys; sys.path.insert(0, sys.argv.pop(1)); {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, library, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return LARGE & set(done.stdout.split())


@pytest.mark.parametrize("module,used", USED.items(), ids=USED)
def test_a_job_imports_no_large_package_that_it_does_not_use(module, used):
    assert imported(f"import {module}") == used


def test_prepared_cells_are_read_without_large_packages(tmp_path):
    cell_files.write_cells(cells_of([[1.0, 2.0], [3.0, 4.0]]), tmp_path / "cells.h5mu")
    code = "from spclust.data.cell_files import read_cells; read_cells(sys.argv[1], 'prepared')"
    assert imported(code, str(tmp_path / "cells.h5mu")) == set()
