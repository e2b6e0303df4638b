"""Two-dimensional layouts in which neighbours are sought (UMAP, as in the paper)."""

import warnings

import numpy as np

UMAP_NEIGHBOURS, UMAP_MIN_DIST = 15, 0.1


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
