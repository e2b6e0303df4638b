"""A graph of cells as torch sees it: edges sorted by target, ready for sparse products."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm


@dataclass(frozen=True)
class Neighbourhoods:
    """A symmetric weighted graph, or all edges towards some of its cells.

    Attributes
    ----------
    edge_index : Tensor, shape (2, m), int64
        Target (row) and source (column) of each edge, sorted by target, then source.
    indptr : Tensor, shape (n + 1,), int64
        Edges of target i are ``indptr[i]:indptr[i + 1]``.
    weight : Tensor, shape (m,)
        Of each edge, equal in both directions.
    n_sources : int
        Cells that edges may come from; of a whole graph n.
    """

    edge_index: Tensor
    indptr: Tensor
    weight: Tensor
    n_sources: int

    @classmethod
    def from_scipy(cls, adjacency, device="cpu"):
        """From a symmetric scipy sparse matrix; self-loops count as edges if stored."""
        csr = adjacency.tocsr().sorted_indices()
        coo = csr.tocoo()
        edge_index = torch.stack([torch.from_numpy(coo.row), torch.from_numpy(coo.col)]).long()
        indptr = torch.from_numpy(csr.indptr).long()
        weight = torch.from_numpy(csr.data.astype(np.float32))
        return cls(edge_index.to(device), indptr.to(device), weight.to(device), csr.shape[1])

    @property
    def n_cells(self) -> int:
        return self.indptr.shape[0] - 1

    @cached_property
    def reverse(self) -> Tensor:
        """Position of each edge's opposite direction, int64 (m,)."""
        # sorting by (source, target) lists the opposite of every edge of a symmetric graph
        return torch.argsort(self.edge_index[1] * self.n_cells + self.edge_index[0])

    @cached_property
    def degree(self) -> Tensor:
        """Sum of the weights of each cell's edges, shape (n,)."""
        return self.sums(self.weight, self.weight.new_ones(self.n_sources, 1)).squeeze(1)

    @cached_property
    def normalised(self) -> Tensor:
        """Edge values (m,) of ``L = D^-1/2 A D^-1/2`` (Eq. 11); zero at isolated cells."""
        return gcn_norm(
            self.edge_index,
            self.weight,
            self.n_cells,
            add_self_loops=False,
            flow="target_to_source",
        )[1]

    @cached_property
    def row_shares(self) -> Tensor:
        """Edge values (m,) of L with each row rescaled to sum to one: a distribution over cells."""
        # on the CPU, where sums have one order
        values, indptr = self.normalised.cpu().numpy(), self.indptr.cpu().numpy()
        target, source = self.edge_index.cpu().numpy()
        shape = (self.n_cells, self.n_sources)
        sums = np.asarray(sp.csr_matrix((values, source, indptr), shape).sum(1)).ravel()
        return torch.from_numpy(values * (1.0 / sums[target])).to(self.weight.device)

    def sparse(self, values: Tensor) -> Tensor:
        """A sparse matrix (n, n_sources) with ``values`` on the edges."""
        return torch.sparse_csr_tensor(
            self.indptr,
            self.edge_index[1],
            values,
            (self.n_cells, self.n_sources),
            check_invariants=False,
        )

    def sums(self, values: Tensor, x: Tensor) -> Tensor:
        """Sum of each cell's neighbours' rows of ``x`` (n_sources, d), weighted by edge (m,)."""
        if x.device.type == "mps":  # has no sparse products
            return self.gathered_sums(values, x)
        return self.sparse(values) @ x

    def gathered_sums(self, values: Tensor, x: Tensor) -> Tensor:
        """The same by way of a message per edge."""
        target, source = self.edge_index
        messages = values.unsqueeze(1) * x.index_select(0, source)
        return x.new_zeros(self.n_cells, x.shape[1]).index_add(0, target, messages)

    def propagate(self, x: Tensor) -> Tensor:
        """``L @ x``, shape (n, d)."""
        return _SymmetricProduct.apply(x, self, self.normalised)

    def total(self, x: Tensor) -> Tensor:
        """Weighted sum of each cell's neighbours' rows of ``x``, with a gradient, shape (n, d)."""
        return _SymmetricProduct.apply(x, self, self.weight)

    def with_dropped_edges(self, probability: float, generator: torch.Generator):
        """A copy without a random part of the edges, both directions together; loops stay.

        torch-geometric's ``dropout_edge`` takes no generator, drops loops too, and leaves the
        edges unsorted.
        """
        target, source = self.edge_index
        draw = torch.rand(len(target), generator=generator, device=target.device)
        # of the two directions of an edge the draw of the one that comes first counts for both
        first = torch.minimum(torch.arange(len(target), device=target.device), self.reverse)
        kept = (draw.index_select(0, first) >= probability) | (target == source)
        return replace(self, weight=self.weight * kept)

    def pruned(self):
        """A copy without the edges of weight zero, along which attention would go on looking."""
        kept = self.weight != 0
        before = torch.cat([self.indptr.new_zeros(1), kept.cumsum(0)])
        return replace(
            self,
            edge_index=self.edge_index[:, kept],
            indptr=before[self.indptr],
            weight=self.weight[kept],
        )

    def blocks(self, edges: int):
        """Parts of the graph with so many edges at most, but no less than a cell each.

        Yields
        ------
        (slice, Neighbourhoods)
            Targets, and all edges towards them, targets numbered anew.
        """
        if self.edge_index.shape[1] <= edges:
            yield slice(0, self.n_cells), self
            return
        ends, start = self.indptr.cpu().numpy(), 0
        while start < self.n_cells:
            fitting = int(np.searchsorted(ends, ends[start] + edges, side="right")) - 1
            stop = max(start + 1, fitting)
            part = slice(int(ends[start]), int(ends[stop]))
            target, source = self.edge_index[:, part]
            yield (
                slice(start, stop),
                Neighbourhoods(
                    torch.stack([target - start, source]),
                    self.indptr[start : stop + 1] - part.start,
                    self.weight[part],
                    self.n_sources,
                ),
            )
            start = stop


class Operator(Neighbourhoods):
    """A symmetric matrix that is to be propagated by as it is, normalised already."""

    @property
    def normalised(self) -> Tensor:
        return self.weight


class _SymmetricProduct(torch.autograd.Function):
    """A product with a constant symmetric matrix, which therefore is its own transpose."""

    @staticmethod
    def forward(ctx, x, graph, values):
        ctx.graph, ctx.values = graph, values
        return graph.sums(values, x)

    @staticmethod
    def backward(ctx, grad):
        return ctx.graph.sums(ctx.values, grad.contiguous()), None, None
