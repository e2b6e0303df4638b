import numpy as np
import pytest
import torch
from workflow import Project


@pytest.fixture(autouse=True)
def seeded():
    """No test hangs on which tests ran before it: torch's own generator starts alike in each."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished tiny run; tests that use it plan only, and put back what they change."""
    project = Project(tmp_path_factory.mktemp("project") / "spclust")
    done = project.snakemake()
    assert done.code == 0, done.text
    return project


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
