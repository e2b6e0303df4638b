"""The cells that the tests of the import write in every format."""

from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

from spclust.data import folders
from spclust.io import readers


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


@pytest.fixture
def two(frame):
    """RNA and antibody tags of the same cells, the tags in another order."""
    ids = [f"c{i}" for i in frame.index]
    rng = np.random.default_rng(1)
    obs = frame[["sample", "cell_type"]].set_axis(ids)
    genes = pd.DataFrame(index=["CD3E", "MS4A1", "DNA2"])
    rna = anndata.AnnData(rng.poisson(3, (120, 3)).astype(np.float32), obs=obs, var=genes)
    rna.obsm["spatial"] = frame[["X", "Y"]].to_numpy()
    tags = pd.DataFrame(index=["CD3", "CD20", "DAPI"])
    adt = anndata.AnnData(frame[["CD3", "CD20", "DAPI"]].to_numpy(np.float32), var=tags)
    adt.obs_names = ids
    return {"rna": rna, "adt": adt[::-1].copy()}


@pytest.fixture
def h5mu(two, tmp_path):
    def write(change=lambda data: None):
        mudata.set_options(pull_on_update=False)
        data = mudata.MuData(two)
        data = change(data) or data
        data.write_h5mu(tmp_path / "cells.h5mu")
        return str(tmp_path / "cells.h5mu")

    return write


@pytest.fixture
def read():
    """The format that some files are known as, and the table its reader makes of them."""

    def of(*paths, **cfg):
        files = [Path(path) for path in paths]
        files = [f for path in files for f in (folders.of_cells(path) if path.is_dir() else [path])]
        name = readers.recognise(files)
        return name, readers.load(name).read(files, cfg)

    return of
