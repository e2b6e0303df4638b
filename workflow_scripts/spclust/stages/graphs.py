"""The expression graphs and the spatial graph of prepared or balanced cells (Sec. 3.2)."""

import logging

import numpy as np

from spclust.data.contradictions import refuse_contradiction
from spclust.data.graphs import Graphs
from spclust.data.requirements import refuse_one_point, refuse_unplaced
from spclust.neighbours.expression import EXPRESSION_GRAPHS
from spclust.neighbours.knn import graph_statistics, knn_graph
from spclust.neighbours.layout import umap_2d
from spclust.neighbours.spatial import delaunay_graph, radius_graph, without_long_edges

log = logging.getLogger(__name__)

PCA_COMPONENTS = 50


def build(cells, seed, **settings):
    """Graphs of expression and of space: symmetric and without self-loops.

    Edges in space never join two images, edges in expression none of the groups that
    ``expression_within`` names. The space in which expression neighbours are sought is laid out
    over all cells whatever the groups.

    Parameters
    ----------
    cells : Cells
    seed : int
    expression_space : {'umap', 'pca', 'raw', 'correlation', 'none'}
        Where expression neighbours are sought: 2-D UMAP as in the paper, principal components,
        the features as they are, or the profiles, of which the nearest is the most correlated
        (Pearson); ``none`` for no expression graph.
    n_neighbors : int
        In the expression graphs.
    expression_within : {'cohort', 'slice', 'image'}
    expression_weights : {'binary', 'umap', 'jaccard'}
        One, UMAP's connectivities as scanpy makes them, or the Jaccard index of the neighbour
        lists.
    spatial_graph : {'knn', 'radius', 'delaunay', 'none'}
        Binary; ``none`` for no spatial graph.
    spatial_n_neighbors : int
        Of ``knn``.
    radius : float or None
        Of ``radius``, in the unit of the coordinates.
    longest_percentile : float
        Of ``delaunay``: longer edges than this percentile of their lengths are taken out.

    Returns
    -------
    Graphs
        ``spatial``; ``expression`` of all features side by side and, of several modalities,
        ``expression/<modality>`` of each, with the spaces they were sought in.

    Raises
    ------
    UserError
        When no graph is asked for, ``radius`` is missing, cells have no places or all of an
        image lie at one point.
    """
    s, edges, spaces = settings, {}, {}
    refuse_contradiction("graphs.<name>", s)
    if s["expression_space"] != "none":
        groups = cells.groups(s["expression_within"])
        _warn_of_few(groups, s["expression_within"], "n_neighbors", s["n_neighbors"])
        graph = EXPRESSION_GRAPHS[s["expression_weights"]]
        for name, x in _features(cells).items():
            spaces[name] = _space(x, s["expression_space"], seed)
            edges[name] = graph(spaces[name], groups, s["n_neighbors"], seed)
    if s["spatial_graph"] != "none":
        edges["spatial"] = _spatial(cells, s)
    for name, graph in edges.items():
        counts = graph_statistics(graph)
        degree = 2 * counts["edges"] / counts["cells"]
        log.info("%s graph: %s, mean degree %.1f", name, counts, degree)
        if counts["isolated"]:
            log.warning("%s graph: %d isolated cells", name, counts["isolated"])
    return Graphs(edges, spaces, settings)


def _features(cells):
    """Features by the name of the expression graph that is built of them."""
    features = {"expression": cells.matrix}
    if len(cells.features) > 1:
        features |= {f"expression/{m}": x for m, x in cells.features.items()}
    return features


def _space(x, kind, seed):
    if kind == "umap":
        return umap_2d(x, seed)
    if kind == "pca":
        return _pca(x, seed)
    return _profiles(x) if kind == "correlation" else x


def _profiles(x):
    """Rows centred and of unit length; between them distance falls as correlation rises."""
    centred = x - x.mean(1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def _spatial(cells, settings):
    coordinates, kind = cells.coordinates.astype(np.float64), settings["spatial_graph"]
    refuse_unplaced(cells, f"graphs.<name>.spatial_graph: {kind}")
    refuse_one_point(cells.coordinates, cells.image, f"graphs.<name>.spatial_graph: {kind}")
    if kind == "knn":
        k = settings["spatial_n_neighbors"]
        _warn_of_few(cells.image, "image", "spatial_n_neighbors", k)
        return knn_graph(coordinates, cells.image, k)
    if kind == "delaunay":
        graph = delaunay_graph(coordinates, cells.image)
        return without_long_edges(graph, coordinates, settings["longest_percentile"])
    return radius_graph(coordinates, cells.image, float(settings["radius"]))


def _warn_of_few(groups, kind, key, n_neighbors):
    sizes = np.unique(groups, return_counts=True)[1]
    few = sizes[sizes <= n_neighbors]
    if len(few):
        log.warning(
            "graphs.<name>.%s: %d of %d %ss have at most %d cells, the smallest %d; each of them "
            "is joined to all others there",
            key,
            len(few),
            len(sizes),
            kind,
            n_neighbors,
            few.min(),
        )


def _pca(x, seed):
    from sklearn.decomposition import PCA

    return PCA(max(1, min(PCA_COMPONENTS, min(x.shape) - 1)), random_state=seed).fit_transform(x)
