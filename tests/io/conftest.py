"""The cells that the tests of the import write in every format."""

import anndata
import numpy as np
import pandas as pd
import pytest


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
