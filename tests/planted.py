"""Small slices of two images with a known partition, to see whether a method finds it."""

import anndata
import numpy as np
import pandas as pd
import yaml

from spclust.settings import CONFIG_FOLDER

METHODS = yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())["methods"]


def slice_of(x, truth, places, images):
    """AnnData as preprocess_cells leaves it: scaled proteins, ``obs['label']`` for scoring."""
    x = (x - x.mean(0)) / x.std(0)
    obs = pd.DataFrame(
        {"image": pd.Categorical(images), "label": pd.Categorical([f"type_{c}" for c in truth])},
        index=[f"cell_{i}" for i in range(len(x))],
    )
    cells = anndata.AnnData(x.astype(np.float32), obs=obs)
    cells.obsm["spatial"] = places.astype(np.float32)
    return cells


def expression_types(seed, n=400, n_proteins=12):
    """Three cell types, each with proteins of its own, that mix in space."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    x = rng.normal(size=(n, n_proteins))
    x += 3 * (np.arange(n_proteins) % 3 == truth[:, None])
    images = np.array(["a", "b"])[rng.integers(2, size=n)]
    return slice_of(x, truth, rng.uniform(0, 100, size=(n, 2)), images)


def spatial_domains(seed, n=600, n_proteins=12):
    """Three bands of tissue in both images; a cell's proteins alone tell little of its band."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 90, size=(n, 2))
    truth = (places[:, 0] // 30).astype(int)
    x = rng.normal(size=(n, n_proteins))
    x += 0.6 * (np.arange(n_proteins) % 3 == truth[:, None])
    images = np.array(["a", "b"])[rng.integers(2, size=n)]
    return slice_of(x, truth, places, images)


def oversampled(cells, n_synthetic=100):
    """The slice as oversample_minorities leaves it: synthetic cells last, between real ones."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(cells.n_obs, size=(2, n_synthetic))
    names = [f"synthetic_{i}" for i in range(n_synthetic)]
    synthetic = anndata.AnnData(
        (cells.X[first] + cells.X[second]) / 2, cells.obs.iloc[first].set_axis(names)
    )
    synthetic.obsm["spatial"] = cells.obsm["spatial"][first]
    both = anndata.concat([cells, synthetic])
    both.obs["synthetic"] = np.arange(both.n_obs) >= cells.n_obs
    return both


def crossing(graph, images):
    """Number of edges of a sparse graph that join two images."""
    edges = graph.tocoo()
    images = np.asarray(images)
    return int((images[edges.row] != images[edges.col]).sum())
