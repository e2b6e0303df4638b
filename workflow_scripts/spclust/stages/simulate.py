"""A tissue with known truth, to try the workflow on and to test it with."""

from itertools import zip_longest

import anndata
import numpy as np
import pandas as pd

from spclust.data.cell_files import MICROMETRES, set_unit
from spclust.errors import UserError
from spclust.knowledge.signatures import lineage_of, read_signatures

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
# the same with types of the table of signatures
KNOWN_TYPES = {
    "Epithelial cell": (0.38, "cortex"),
    "Fibroblast": (0.20, "medulla"),
    "CD4 T cell": (0.13, "medulla"),
    "Macrophage": (0.09, "anywhere"),
    "CD8 T cell": (0.07, "anywhere"),
    "B cell": (0.06, "follicle"),
    "Endothelial cell": (0.04, "vessel"),
    "Plasma cell": (0.03, "medulla"),
}
# what cells of any type do: cycle, activation, lack of oxygen; proteins of one rise together
STATES = (("MKI67", "PCNA", "TOP2A"), ("CD69", "ICOS", "PDCD1"), ("CA9", "SLC2A1", "HIF1A"))
IN_STATE = 0.3  # share of the cells of every type
FEWEST_PROTEINS = 8  # that tell types
SIDE = 1000.0  # micrometres


def simulate_tissue(
    n_cells,
    n_proteins,
    n_images,
    noise,
    seed,
    names="generic",
    imbalance=None,
    spill_over=0.15,
    state_markers=0,
    staining=0.0,
):
    """Simulate images of one tissue: two regions, follicles, vessels, seven or eight cell types.

    Every type has a programme of marker proteins, some shared with a related type. Intensities
    are log-normal around it; each cell has a brightness of its own, and each takes up some of
    the signal of its surroundings, as segmented cells do.

    Parameters
    ----------
    n_cells, n_proteins, n_images : int
    noise : float
        Standard deviation of log intensities.
    seed : int
    names : {'generic', 'known'}
        ``known``: types and proteins of the library's tables. A type's own proteins are the first
        three of its signature's positive markers; those of the wider types it has more weakly.
        Proteins beyond those that the types need have generic names.
    imbalance : float, optional
        Cells of the commonest type to one of the rarest, sizes in geometric sequence; left out,
        the shares listed above.
    spill_over : float
        Share of a cell's signal that is that of its six nearest cells.
    state_markers : int
        So many of the proteins, the last, say nothing of types: they rise together in threes in
        some cells of every type.
    staining : float
        Standard deviation of the log factor of each protein in each image.

    Returns
    -------
    AnnData, (n_cells, n_proteins)
        Intensities in X; ``obs['cell_type']``, ``obs['sample']``, ``obsm['spatial']`` in
        µm; ``uns['planted']``, type to its own proteins.

    Raises
    ------
    UserError
        For fewer proteins than the types and the markers of states need.
    """
    rng = np.random.default_rng(seed)
    listed = KNOWN_TYPES if names == "known" else CELL_TYPES
    counts = _counts(listed, n_cells, imbalance)
    types = np.repeat(np.arange(len(listed)), counts)
    images = rng.permutation(np.arange(n_cells) % n_images)
    plan = _known_plan if names == "known" else _generic_plan
    programmes = rng.normal(0, 0.15, size=(len(listed), n_proteins))
    proteins, own, shared = plan(rng, n_proteins, state_markers)
    for kind in range(len(listed)):
        programmes[kind, own[kind]] += rng.uniform(1.0, 1.8, size=3)
        programmes[kind, shared[kind]] += 0.8
    places = np.empty((n_cells, 2))
    for image in range(n_images):
        centres = rng.uniform(0.2 * SIDE, 0.8 * SIDE, size=(6, 2))
        for kind, (_, home) in enumerate(listed.values()):
            cells = np.flatnonzero((types == kind) & (images == image))
            places[cells] = _places(rng, home, len(cells), centres)
    signal = programmes[types] + rng.normal(0, noise, size=(n_cells, n_proteins))
    brightness = rng.normal(0, 0.25, size=(n_cells, 1))
    order = rng.permutation(n_cells)
    # generators of their own: what is switched on leaves all other draws as they are
    states = _states(np.random.default_rng([seed, 1]), n_cells, state_markers)
    signal[:, n_proteins - state_markers :] += states
    stain = np.random.default_rng([seed, 2]).normal(0, staining, size=(n_images, n_proteins))
    x = np.exp(3.0 + signal + brightness + stain[images])
    x = (1 - spill_over) * x + spill_over * _surroundings(x, places, images)
    labels = list(listed)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical([labels[t] for t in types[order]]),
            "sample": pd.Categorical([f"image_{i + 1}" for i in images[order]]),
        },
        index=[f"cell_{i + 1}" for i in range(n_cells)],
    )
    var = pd.DataFrame(index=proteins)
    cells = anndata.AnnData(x[order].astype(np.float32), obs=obs, var=var)
    cells.obsm["spatial"] = places[order].astype(np.float32)
    set_unit(cells, MICROMETRES)
    cells.uns["planted"] = {t: np.array(proteins)[own[i]] for i, t in enumerate(labels)}
    return cells


def _counts(listed, n_cells, imbalance):
    """Cells of each type; what rounding leaves over goes to the first."""
    shares = np.array([share for share, _ in listed.values()])
    if imbalance is not None:
        shares = np.geomspace(imbalance, 1, len(listed))
        shares /= shares.sum()
    counts = np.maximum(np.round(shares * n_cells).astype(int), 1)
    counts[0] += n_cells - counts.sum()
    return counts


def _generic_plan(rng, n_proteins, n_states):
    """Names of proteins, and columns that each type has of its own and shares with the next."""
    n = _left(n_proteins, n_states, FEWEST_PROTEINS)
    markers, kinds = rng.permutation(n), range(len(CELL_TYPES))
    own = [markers[(3 * kind + np.arange(3)) % n] for kind in kinds]
    shared = [markers[[(3 * kind + 3) % n]] for kind in kinds]
    return _generic_names(0, n_proteins), own, shared


def _known_plan(rng, n_proteins, n_states):
    """The same by the table of signatures; what is shared are markers of wider types."""
    signatures = read_signatures()
    own, shared = [], []
    for kind in KNOWN_TYPES:
        alternatives = zip_longest(*signatures[kind].positive)
        all_markers = dict.fromkeys(protein for turn in alternatives for protein in turn if protein)
        own.append(list(all_markers)[:3])
        wider = [signatures[name] for name in lineage_of(kind, signatures)[1:]]
        first = [marker[0] for signature in wider for marker in signature.positive]
        shared.append([protein for protein in first if protein not in own[-1]])
    names = list(dict.fromkeys(protein for group in own + shared for protein in group))
    n = _left(n_proteins, n_states, len(names))
    columns = {name: column for column, name in enumerate(names)}
    own, shared = ([[columns[p] for p in group] for group in groups] for groups in (own, shared))
    states = [protein for programme in STATES for protein in programme][:n_states]
    return names + _generic_names(len(names), n) + states, own, shared


def _generic_names(start, stop):
    return [f"protein_{i + 1:02d}" for i in range(start, stop)]


def _left(n_proteins, n_states, fewest):
    """Proteins that tell types."""
    if n_proteins - n_states < fewest:
        raise UserError(
            f"simulate.n_proteins: found {n_proteins}, but the types need {fewest} and "
            f"simulate.state_markers {n_states} more; ask for {fewest + n_states} or more"
        )
    return n_proteins - n_states


def _states(rng, n_cells, n_markers):
    """What is added to the log signal of the markers of states, each programme by itself."""
    added = np.zeros((n_cells, n_markers))
    for first in range(0, n_markers, 3):
        level = (rng.random(n_cells) < IN_STATE) * rng.uniform(0.7, 1.3, size=n_cells)
        added[:, first : first + 3] = level[:, None]
    return added


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
    from spclust.neighbours.knn import neighbours_within

    mean = x.copy()
    for cells, neighbours in neighbours_within(places, images, 6):
        mean[cells] = x[neighbours].mean(1)
    return mean
