import os
from pathlib import Path

import numpy as np
import pytest
import torch

# Some tests start a Python that forks. A fork is safe in a process of one thread only, and Arrow,
# which comes with pandas, would start one to give memory back.
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark what needs real slices. Several workers take the slow files first: one that came last
    would keep one of them long.
    """
    for item in items:
        if "real_data" in item.fixturenames:
            item.add_marker("data")
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def seeded():
    """No test hangs on which tests ran before it: torch's own generator starts alike in each."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def real_data():
    """Folder of the real slices of tests/measured/datasets.yaml, which are not in the project."""
    beside = Path(__file__).resolve().parents[2] / "shared/data"
    folder = Path(os.environ.get("SPCLUST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"there are no real slices at {folder}; SPCLUST_DATA names their folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def shared_tables(real_data):
    """Folder of tables in the layouts of many programs, with what each should be read as."""
    folder = real_data.parent / "tables"
    if not folder.is_dir():
        pytest.skip(f"there are no tables of programs at {folder}")
    return folder


@pytest.fixture
def raw():
    """Intensities of 60 cells and 5 proteins."""
    return np.random.default_rng(0).lognormal(2, 1, size=(60, 5)).astype(np.float32)


@pytest.fixture(scope="session")
def planted():
    """Cells of three types, their graphs and types; see :mod:`spclust_cells`."""
    from spclust_cells import of_three_types

    return of_three_types()


@pytest.fixture(scope="session")
def two_modalities(planted):
    """The same cells in two modalities."""
    from spclust_cells import in_two_modalities

    return in_two_modalities(planted)
