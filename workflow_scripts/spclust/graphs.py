"""The expression graph and the spatial graph of a balanced slice (Sec. 3.2)."""

import logging
import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from spclust.contracts import IMAGE, SPATIAL, Graphs
from spclust.errors import UserError
from spclust.parts.graphs import graph_statistics, knn_graph, symmetrised
from spclust.parts.spatial import delaunay_graph

log = logging.getLogger(__name__)

UMAP_NEIGHBOURS, UMAP_MIN_DIST, PCA_COMPONENTS = 15, 0.1, 50
# a figure shows no more cells than this apart, and UMAP lays out some 300 cells a second
FIGURE_CELLS, FIGURE_NEIGHBOURS = 50_000, 3


def build(cells, seed, expression_space, n_neighbors, spatial_graph, spatial_n_neighbors, radius):
    """Both graphs: symmetric, binary, without self-loops and without edges between images.

    Parameters
    ----------
    cells : AnnData, (n, d)
        Balanced cells.
    seed : int
    expression_space : {'umap', 'pca', 'raw'}
        Where expression neighbours are sought; 2-D UMAP in the paper.
    n_neighbors : int
    spatial_graph : {'knn', 'radius', 'delaunay'}
    spatial_n_neighbors : int
        Of ``knn``.
    radius : float or None
        Of ``radius``, in the unit of the coordinates.

    Returns
    -------
    Graphs
        With the coordinates (n, d') in which expression neighbours were sought.

    Raises
    ------
    UserError
        When ``radius`` is missing or all cells of an image lie at one point.
    """
    if spatial_graph == "radius" and radius is None:
        raise UserError(
            "graphs.<name>.radius: a radius graph needs a radius in the unit of the coordinates; "
            "write e.g.  radius: 40, or spatial_graph: knn"
        )
    images = cells.obs[IMAGE].to_numpy()
    _check_images(cells, images, max(n_neighbors, spatial_n_neighbors))
    x = np.asarray(cells.X, dtype=np.float32)
    space = {"umap": umap_2d, "pca": _pca, "raw": lambda x, seed: x}[expression_space](x, seed)
    expression = knn_graph(space, images, n_neighbors, seed)
    spatial = _spatial(cells, images, spatial_graph, spatial_n_neighbors, radius)
    for name, graph in (("expression", expression), ("spatial", spatial)):
        counts = graph_statistics(graph)
        degree = 2 * counts["edges"] / counts["cells"]
        log.info("%s graph: %s, mean degree %.1f", name, counts, degree)
        if counts["isolated"]:
            log.warning("%s graph: %d isolated cells", name, counts["isolated"])
    return Graphs(expression, spatial, space, n_neighbors)


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


def _pca(x, seed):
    from sklearn.decomposition import PCA

    return PCA(max(1, min(PCA_COMPONENTS, min(x.shape) - 1)), random_state=seed).fit_transform(x)


def _spatial(cells, images, kind, n_neighbors, radius):
    coordinates = np.asarray(cells.obsm[SPATIAL], dtype=np.float64)
    if kind == "knn":
        return knn_graph(coordinates, images, n_neighbors)
    if kind == "delaunay":
        return delaunay_graph(coordinates, images)
    from squidpy.gr.neighbors import RadiusBuilder

    builder = RadiusBuilder(float(radius))
    rows, columns = [], []
    for image in np.unique(images):
        cells = np.flatnonzero(images == image)
        block = builder.build(coordinates[cells])[0].tocoo()
        rows.append(cells[block.row])
        columns.append(cells[block.col])
    entries = (np.concatenate(rows), np.concatenate(columns))
    return symmetrised(sp.csr_matrix((np.ones(len(entries[0])), entries), (len(images),) * 2))


def _check_images(cells, images, n_neighbors):
    for image in np.unique(images):
        inside = images == image
        n = int(inside.sum())
        if n > 1 and np.ptp(cells.obsm[SPATIAL][inside], axis=0).max() == 0:
            raise UserError(
                f"image {image!r}: all {n} cells lie at one point; name the right coordinate "
                "columns in the dataset's keys x and y"
            )
        if n <= n_neighbors:
            log.warning(
                "image %r has %d cells: each gets %d neighbours instead of %d (graphs.<name>."
                "n_neighbors, spatial_n_neighbors)", image, n, n - 1, n_neighbors,
            )  # fmt: skip
