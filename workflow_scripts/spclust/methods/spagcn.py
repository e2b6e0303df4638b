"""SpaGCN (Hu et al. 2021) by the published package: one graph convolution, then DEC.

Cells are joined by ``exp(-d^2 / 2 l^2)`` of their distance, l such that neighbours contribute
``neighbour_share`` of a cell's own weight; between images the distance is infinite. Rates,
epochs and tolerance are those of the authors' tutorial; its Louvain start, whose number of
clusters is what it is, gives way to the package's KMeans start, and principal components are
fewer than proteins. The package (1.2.7) does not move the cluster centres after the start,
unlike the paper. It holds several n x n matrices, hence ``max_cells``.
"""

import io
import logging
from contextlib import redirect_stdout

import anndata
import numpy as np

from spclust.clustering.heads import ordered_by_size
from spclust.data import requirements
from spclust.errors import UserError
from spclust.methods.task import Clustering
from spclust.neighbours.knn import neighbours_within
from spclust.nn import training

log = logging.getLogger(__name__)

MATRICES = 4  # n x n, float32, alive at once at most
LENGTHS = (0.01, 10.0)  # where l is sought, in distances to the nearest cell
ROWS = 2000  # cells over which the share of their neighbours is averaged meanwhile


def load_package():
    """The package, which is not among the dependencies that pip resolves."""
    try:
        import SpaGCN
    except ModuleNotFoundError as error:
        if error.name != "SpaGCN":
            raise
        raise UserError(
            "the recipe spagcn needs the package SpaGCN; install it into the workflow's "
            "environment with  pip install --no-deps -r envs/requirements-spagcn.txt -c "
            "envs/lock.txt  (with its dependencies pip would replace igraph by an old one)"
        ) from error
    return SpaGCN


def quietly(function, *args, **kwargs):
    """Call a function of the package and log the last line of what it prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = function(*args, **kwargs)
    log.info("SpaGCN: %s", printed.getvalue().strip().rsplit("\n", 1)[-1])
    return result


def distances(package, coordinates, images):
    """Distance of each pair of cells (n, n) float32, infinite between images."""
    between = np.full((len(coordinates), len(coordinates)), np.inf, dtype=np.float32)
    for image in np.unique(images):
        cells = np.flatnonzero(images == image)
        x, y = coordinates[cells].T.tolist()
        between[np.ix_(cells, cells)] = quietly(package.calculate_adj_matrix, x, y, histology=False)
    return between


def length_scale(package, between, coordinates, images, share):
    """l, at which the neighbours of a cell weigh ``share`` of the cell itself on average.

    The package seeks it in a fixed range, which fits one unit of coordinates; here the range
    follows the distance of nearest cells.

    Returns
    -------
    float or None
        In the unit of the coordinates; None where there is no such length.
    """
    nearest = np.concatenate(
        [
            np.linalg.norm(coordinates[cells] - coordinates[neighbours[:, 0]], axis=1)
            for cells, neighbours in neighbours_within(coordinates, images, 1)
        ]
        or [np.empty(0)]
    )
    if not nearest.any():
        return None
    low, high = (float(np.median(nearest[nearest > 0]) * factor) for factor in LENGTHS)
    rows = between[:: -(-len(between) // ROWS)]
    return quietly(package.search_l, share, rows, start=low, end=high)


def cluster(task):
    """See :func:`.running.cluster`; confidence is DEC's share of the own cluster.

    The package trains without a pause, so there is no checkpoint.
    """
    s, cells, n = task.settings, task.cells, len(task.cells)
    needed = MATRICES * 4 * n**2 / 1e9
    if n > s["max_cells"]:
        raise UserError(
            f"SpaGCN compares all pairs of cells: {n} cells need about {needed:.0f} GB of memory "
            f"and {task.key('max_cells')} is {s['max_cells']}; raise it where there is as much, "
            "leave the run out for this slice (its key datasets), or cluster a part of the slice"
        )
    requirements.places(task)
    package = load_package()
    training.seed_everything(task.seed, task.machine.threads)
    np.random.seed(task.seed)  # which the package draws the starts of KMeans from
    x, coordinates = cells.matrix, cells.coordinates.astype(np.float64)
    between = distances(package, coordinates, cells.image)
    scale = length_scale(package, between, coordinates, cells.image, s["neighbour_share"])
    if scale is None:
        raise UserError(
            f"no length l makes neighbours weigh {s['neighbour_share']} of a cell itself: cells "
            "share their places or are alone in their images; check the dataset's keys x, y and "
            f"image, or change {task.key('neighbour_share')}"
        )
    components = max(1, min(s["pca_components"], x.shape[1] - 1, n - 1))
    log.info("l %.4g, %d principal components, about %.1f GB", scale, components, needed)
    model = package.SpaGCN()
    model.set_l(scale)
    quietly(
        model.train,
        anndata.AnnData(x),
        between,
        num_pcs=components,
        init="kmeans",
        n_clusters=task.n_clusters,
        lr=s["lr"],
        max_epochs=s["epochs"],
        tol=s["tolerance"],
    )
    z, q = (t.detach().numpy() for t in model.model.predict(model.embed, model.adj_exp))
    return Clustering(ordered_by_size(q.argmax(1)), q.max(1), z)
