"""Two-dimensional layouts of cells by their features (UMAP)."""

import logging
import warnings

import numpy as np
from sklearn.neighbors import NearestNeighbors

log = logging.getLogger(__name__)

UMAP_NEIGHBOURS, UMAP_MIN_DIST = 15, 0.1
# a figure shows no more cells than this apart, and UMAP lays out some 300 cells a second
FIGURE_CELLS, FIGURE_NEIGHBOURS = 50_000, 3


def umap_2d(x, seed):
    """Two-dimensional UMAP (15 neighbours, minimal distance 0.1), repeatable for a seed.

    Parameters
    ----------
    x : array, shape (n, d)
    seed : int

    Returns
    -------
    array of float32, shape (n, 2)
    """
    import umap

    # too few points for its spectral start; any layout of them is as good
    if len(x) < 10:
        return np.ascontiguousarray(np.pad(x, ((0, 0), (0, 2)))[:, :2], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # a seed means one job
        model = umap.UMAP(
            n_neighbors=min(UMAP_NEIGHBOURS, len(x) - 1),
            min_dist=UMAP_MIN_DIST,
            random_state=seed,
            init="spectral" if len(x) > 50 else "random",
        )
        return model.fit_transform(x).astype(np.float32)


def umap_for_figures(x, seed):
    """:func:`umap_2d`, of a sample where there are more than 50,000 cells.

    The other cells are placed at the mean of the three cells of the sample nearest to them.

    Parameters
    ----------
    x : array, shape (n, d)
    seed : int

    Returns
    -------
    array of float32, shape (n, 2)
    """
    if len(x) <= FIGURE_CELLS:
        return umap_2d(x, seed)
    drawn = np.random.default_rng(seed).choice(len(x), FIGURE_CELLS, replace=False)
    sample = np.sort(drawn)
    log.info("UMAP of %d of the %d cells; the others are placed among them", len(sample), len(x))
    layout = umap_2d(x[sample], seed)
    search = NearestNeighbors(n_neighbors=FIGURE_NEIGHBOURS).fit(x[sample])
    places = layout[search.kneighbors(x, return_distance=False)].mean(1)
    places[sample] = layout
    return places.astype(np.float32)
