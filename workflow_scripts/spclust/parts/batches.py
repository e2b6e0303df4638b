"""What one step of training sees: the whole slice, or a few patches of it."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from spclust.parts.graphs import knn_graph
from spclust.parts.views import View

# Cells of one patch: large enough that few of them miss neighbours beyond its border, small
# enough that a batch holds patches from several places.
PATCH_CELLS = 1000


class Batch(NamedTuple):
    """Rows of a slice with their graphs.

    Attributes
    ----------
    rows : array of int, shape (b,), or None
        Row numbers in the slice, ascending; None where it is the whole slice.
    x : Tensor, shape (b, d)
    views : tuple of View
        Expression and spatial view.
    anchors : Tensor of int64, shape (a,), or None
        Rows of the batch over which pairwise terms are averaged; None for all.
    """

    rows: np.ndarray | None
    x: Tensor
    views: tuple[View, View]
    anchors: Tensor | None

    def of(self, values: np.ndarray) -> Tensor:
        """Values of all cells (labels), those of this batch, on its device."""
        return torch.from_numpy(values if self.rows is None else values[self.rows]).to(
            self.x.device
        )


class Batches:
    """Batches of one slice, each a function of the seed and its key alone.

    A batch is a union of patches: random cells with their nearest cells in the same image, as
    many as it takes. Each cell is as likely to be in one as any other but for those near the
    edge of an image. Its spatial graph is that of the slice among its rows (edges across the
    border of a patch are missing). Hardly any edge of the expression graph would be left,
    neighbours in expression lie anywhere, so that graph is built anew: each row is joined to
    the rows of the batch that are nearest to it in the space of the expression graph.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        On the device where batches are wanted.
    graphs : spclust.contracts.Graphs
    coordinates : array, shape (n, 2)
    images : array, shape (n,)
    seed : int
    batch_cells : int or None
        Rows of a batch, and up to a patch more; None, or no fewer than there are, for the
        whole slice.
    anchors : int or None
        Rows over which pairwise terms are averaged; None for all.
    """

    def __init__(self, x, graphs, coordinates, images, seed, batch_cells=None, anchors=None):
        self.x, self.graphs, self.seed, self.anchors = x, graphs, seed, anchors
        self.views = tuple(View(g, x.device) for g in (graphs.expression, graphs.spatial))
        self.batch_cells = None if batch_cells is None or batch_cells >= len(x) else batch_cells
        if self.batch_cells is not None:
            self.coordinates = np.asarray(coordinates, dtype=np.float64)
            self.image = np.unique(images, return_inverse=True)[1]
            order = np.argsort(self.image, kind="stable")
            self.cells = np.split(order, np.cumsum(np.bincount(self.image))[:-1])
            self.trees = [cKDTree(self.coordinates[cells]) for cells in self.cells]

    def draw(self, *key: int) -> Batch:
        """The batch of a key, e.g. of a phase of training and an epoch."""
        rng = np.random.default_rng([self.seed, *key])
        if self.batch_cells is None:
            return Batch(None, self.x, self.views, self._anchors(rng, len(self.x)))
        rows = self._patches(rng)
        spatial = self.graphs.spatial[rows][:, rows]
        neighbours = self.graphs.n_neighbors
        expression = knn_graph(self.graphs.space[rows], self.image[rows], neighbours)
        device = self.x.device
        return Batch(
            rows,
            self.x.index_select(0, torch.from_numpy(rows).to(device)),
            (View(expression, device), View(spatial, device)),
            self._anchors(rng, len(rows)),
        )

    def _patches(self, rng):
        chosen = np.zeros(len(self.image), dtype=bool)
        while np.count_nonzero(chosen) < self.batch_cells:
            centre = rng.integers(len(chosen))
            image = self.image[centre]
            k = min(PATCH_CELLS, len(self.cells[image]))
            near = self.trees[image].query(self.coordinates[centre], k)[1]
            chosen[self.cells[image][near]] = True
        return np.flatnonzero(chosen)

    def _anchors(self, rng, n):
        if self.anchors is None or self.anchors >= n:
            return None
        drawn = rng.choice(n, self.anchors, replace=False)
        return torch.from_numpy(np.sort(drawn)).to(self.x.device)
