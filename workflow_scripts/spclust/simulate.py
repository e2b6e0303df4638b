"""A tissue with known truth, to try the workflow on and to test it with."""

import anndata
import numpy as np
import pandas as pd

# share of all cells, and where a type lives: everywhere in a region, or in a small structure
CELL_TYPES = {
    "epithelium": (0.44, "cortex"),
    "stroma": (0.20, "medulla"),
    "T cell": (0.12, "medulla"),
    "macrophage": (0.09, "anywhere"),
    "B cell": (0.07, "follicle"),
    "endothelium": (0.04, "vessel"),
    "plasma cell": (0.04, "medulla"),
}
SIDE = 1000.0  # micrometres


def simulate_tissue(n_cells, n_proteins, n_images, noise, seed):
    """Simulate images of one tissue: two regions, follicles, vessels, seven cell types.

    Every type has a programme of marker proteins, some shared with a related type. Intensities
    are log-normal around it; each cell has a brightness of its own, and each takes up some of
    the signal of its surroundings, as segmented cells do.

    Parameters
    ----------
    n_cells, n_proteins, n_images : int
    noise : float
        Standard deviation of log intensities.
    seed : int

    Returns
    -------
    AnnData, (n_cells, n_proteins)
        Intensities in X; ``obs['cell_type']``, ``obs['sample']``, ``obsm['spatial']`` in
        micrometres.
    """
    rng = np.random.default_rng(seed)
    names, shares = list(CELL_TYPES), np.array([share for share, _ in CELL_TYPES.values()])
    counts = np.maximum(np.round(shares * n_cells).astype(int), 1)
    counts[0] += n_cells - counts.sum()
    types = np.repeat(np.arange(len(names)), counts)
    images = rng.permutation(np.arange(n_cells) % n_images)
    programmes = _programmes(rng, len(names), n_proteins)
    places = np.empty((n_cells, 2))
    for image in range(n_images):
        centres = rng.uniform(0.2 * SIDE, 0.8 * SIDE, size=(6, 2))
        for kind, (_, home) in enumerate(CELL_TYPES.values()):
            cells = np.flatnonzero((types == kind) & (images == image))
            places[cells] = _places(rng, home, len(cells), centres)
    signal = programmes[types] + rng.normal(0, noise, size=(n_cells, n_proteins))
    brightness = rng.normal(0, 0.25, size=(n_cells, 1))
    x = np.exp(3.0 + signal + brightness)
    x = 0.85 * x + 0.15 * _surroundings(x, places, images)
    order = rng.permutation(n_cells)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical([names[t] for t in types[order]]),
            "sample": pd.Categorical([f"image_{i + 1}" for i in images[order]]),
        },
        index=[f"cell_{i + 1}" for i in range(n_cells)],
    )
    proteins = pd.DataFrame(index=[f"protein_{i + 1:02d}" for i in range(n_proteins)])
    cells = anndata.AnnData(x[order].astype(np.float32), obs=obs, var=proteins)
    cells.obsm["spatial"] = places[order].astype(np.float32)
    return cells


def _programmes(rng, n_types, n_proteins):
    """Mean log intensity of each protein in each type; neighbours in the list share a marker."""
    means = rng.normal(0, 0.15, size=(n_types, n_proteins))
    markers = rng.permutation(n_proteins)
    for kind in range(n_types):
        own = markers[(3 * kind + np.arange(3)) % n_proteins]
        means[kind, own] += rng.uniform(1.0, 1.8, size=3)
        means[kind, markers[(3 * kind + 3) % n_proteins]] += 0.8
    return means


def _places(rng, home, n, centres):
    anywhere = rng.uniform(0, SIDE, size=(n, 2))
    if home == "cortex":  # the outer two fifths
        anywhere[:, 1] = rng.uniform(0, 0.4 * SIDE, size=n)
    elif home == "medulla":
        anywhere[:, 1] = rng.uniform(0.4 * SIDE, SIDE, size=n)
    elif home == "follicle":  # three dense disks
        radius = 70 * np.sqrt(rng.uniform(size=n))
        return _around(rng, centres[rng.integers(3, size=n)], radius)
    elif home == "vessel":  # three thin rings
        return _around(rng, centres[3 + rng.integers(3, size=n)], rng.normal(45, 3, size=n))
    return anywhere


def _around(rng, centre, radius):
    angle = rng.uniform(0, 2 * np.pi, size=len(radius))
    return centre + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def _surroundings(x, places, images):
    """Mean signal of the six nearest cells of the same image."""
    from spclust.parts.graphs import neighbours_within

    mean = x.copy()
    for cells, neighbours in neighbours_within(places, images, 6):
        mean[cells] = x[neighbours].mean(1)
    return mean
