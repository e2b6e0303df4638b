"""What one step of training sees: all cells, or a few patches of them."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from spclust.neighbours.expression import EXPRESSION_GRAPHS
from spclust.neighbours.knn import members, union, with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods

# Cells of one patch: large enough that few of them miss neighbours beyond its border, small
# enough that a batch holds patches from several places.
PATCH_CELLS = 1000


class Batch(NamedTuple):
    """Some of the cells with their graphs.

    Attributes
    ----------
    rows : array of int, shape (b,), or None
        Their row numbers, ascending; None where it is all cells.
    features : dict of str to Tensor, shape (b, d)
        By modality.
    graphs : dict of str to Neighbourhoods
        By view, with self-loops: the expression graph of each modality, then ``spatial``.
    anchors : Tensor of int64, shape (a,), or None
        Rows of the batch over which pairwise terms are averaged; None for all.
    beside : dict of str to Tensor, shape (b, d), or None
        Features in the spatial view where they are others than in the expression views.
    """

    rows: np.ndarray | None
    features: dict[str, Tensor]
    graphs: dict[str, Neighbourhoods]
    anchors: Tensor | None
    beside: dict[str, Tensor] | None = None

    def of(self, values: np.ndarray) -> Tensor:
        """Values of all cells (labels), those of this batch, on its device."""
        device = next(iter(self.features.values())).device
        return torch.from_numpy(values if self.rows is None else values[self.rows]).to(device)


def sources(views: str, view: str) -> tuple[str, ...]:
    """Names of the graphs whose union a view sees; see the setting ``views`` of spclust.

    Parameters
    ----------
    views : {'dual', 'spatial', 'expression', 'mixed'}
    view : str
        ``spatial``, or the expression view of a modality.
    """
    # the graph of all modalities where the spatial view sees expression
    expression = "expression" if view == "spatial" else view
    return {
        "dual": (view,),
        "spatial": ("spatial",),
        "expression": (expression,),
        "mixed": (expression, "spatial"),
    }[views]


class Batches:
    """Batches of cells, each a function of the seed and its key alone.

    A batch is a union of patches: random cells with their nearest cells in the same image, as
    many as it takes. Each cell is as likely to be in one as any other but for those near the
    edge of an image. Its spatial graph is that of the slice among its rows (edges across the
    border of a patch are missing). Hardly any edge of the expression graphs would be left,
    neighbours in expression lie anywhere, so those are built anew: each row is joined to the
    rows of the batch, within the groups of the setting ``expression_within``, that are nearest
    to it in the space of the expression graph.

    Parameters
    ----------
    cells : spclust.data.cells.Cells
    graphs : spclust.data.graphs.Graphs
    device : torch.device
        Where batches are wanted.
    seed : int
    batch_cells : int or None
        Rows of a batch, and up to a patch more; None, or no fewer than there are, for all cells.
    anchors : int or None
        Rows over which pairwise terms are averaged; None for all.
    views : {'dual', 'spatial', 'expression', 'mixed'}
        What the graphs of the views are made of, see :func:`sources`.
    expression : list of str, optional
        Names of the expression views wanted, all by default.

    Attributes
    ----------
    features : dict of str to Tensor, shape (n, d)
        Of all cells, by modality.
    expression : list of str
        Names of the expression views, in the order of the modalities.
    """

    def __init__(
        self,
        cells,
        graphs,
        device,
        seed,
        batch_cells=None,
        anchors=None,
        views="dual",
        expression=None,
    ):
        self.views, self.source, self.device, self.seed, self.anchors = (
            views,
            graphs,
            device,
            seed,
            anchors,
        )
        self.features = {
            m: torch.from_numpy(np.ascontiguousarray(x)).to(device)
            for m, x in cells.features.items()
        }
        self.expression = graphs.of_modalities() if expression is None else expression
        self._graphs = {}
        self.n_cells = len(cells)
        self.batch_cells = None
        if batch_cells is not None and batch_cells < len(cells):
            self.batch_cells = batch_cells
            self.groups = cells.groups(graphs.settings["expression_within"])
            self.coordinates = cells.coordinates.astype(np.float64)
            self.image = cells.groups("image")
            self.of_image = list(members(self.image))
            self.trees = [cKDTree(self.coordinates[rows]) for rows in self.of_image]

    def graph(self, view):
        """The graph of a view over all cells."""
        if view not in self._graphs:
            parts = [self.source[name] for name in sources(self.views, view)]
            self._graphs[view] = self._on_device(union(parts))
        return self._graphs[view]

    def expression_graphs(self):
        """The expression graphs over all cells, one a modality."""
        return [self.graph(view) for view in self.expression]

    def draw(self, *key: int) -> Batch:
        """The batch of a key, e.g. of a phase of training and an epoch."""
        rng = np.random.default_rng([self.seed, *key])
        rows = None if self.batch_cells is None else self._patches(rng)
        n = self.n_cells if rows is None else len(rows)
        return self.of(rows)._replace(anchors=self._anchors(rng, n))

    def of(self, rows) -> Batch:
        """The batch of some rows, ascending, of None all; no anchors are drawn."""
        if rows is None:
            graphs = {view: self.graph(view) for view in (*self.expression, "spatial")}
            return Batch(None, self.features, graphs, None)
        graphs = {}
        for view in (*self.expression, "spatial"):
            parts = [self._of_rows(name, rows) for name in sources(self.views, view)]
            graphs[view] = self._on_device(union(parts))
        chosen = torch.from_numpy(rows).to(self.device)
        features = {m: x.index_select(0, chosen) for m, x in self.features.items()}
        return Batch(rows, features, graphs, None)

    def _of_rows(self, name, rows):
        if name == "spatial":
            return self.source[name][rows][:, rows]
        settings = self.source.settings
        graph = EXPRESSION_GRAPHS[settings["expression_weights"]]
        return graph(self.source.spaces[name][rows], self.groups[rows], settings["n_neighbors"], 0)

    def _on_device(self, adjacency):
        return Neighbourhoods.from_scipy(with_self_loops(adjacency), self.device)

    def _patches(self, rng):
        chosen = np.zeros(self.n_cells, dtype=bool)
        while np.count_nonzero(chosen) < self.batch_cells:
            centre = rng.integers(self.n_cells)
            image = self.image[centre]
            k = min(PATCH_CELLS, len(self.of_image[image]))
            near = self.trees[image].query(self.coordinates[centre], k)[1]
            chosen[self.of_image[image][near]] = True
        return np.flatnonzero(chosen)

    def _anchors(self, rng, n):
        if self.anchors is None or self.anchors >= n:
            return None
        drawn = rng.choice(n, self.anchors, replace=False)
        return torch.from_numpy(np.sort(drawn)).to(self.device)
