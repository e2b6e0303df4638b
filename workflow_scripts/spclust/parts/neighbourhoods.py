"""A graph of cells as torch sees it: edges sorted by target, ready for sparse products."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Neighbourhoods:
    """A symmetric graph, edges sorted by target cell, ready for sparse products.

    Attributes
    ----------
    edge_index : Tensor, shape (2, m), int64
        Target (row) and source (column) of each edge, sorted by target, then source.
    indptr : Tensor, shape (n + 1,), int64
        Edges of target i are ``indptr[i]:indptr[i + 1]``.
    reverse : Tensor, shape (m,), int64
        Position of each edge's opposite direction.
    """

    edge_index: Tensor
    indptr: Tensor

    @classmethod
    def from_scipy(cls, adjacency, device="cpu"):
        """From a symmetric scipy sparse matrix; self-loops count as edges if stored."""
        csr = adjacency.tocsr().sorted_indices()
        coo = csr.tocoo()
        edge_index = torch.stack([torch.from_numpy(coo.row), torch.from_numpy(coo.col)]).long()
        indptr = torch.from_numpy(csr.indptr).long()
        return cls(edge_index.to(device), indptr.to(device))

    @cached_property
    def reverse(self) -> Tensor:
        # sorting by (source, target) lists the opposite of every edge of a symmetric graph
        return torch.argsort(self.edge_index[1] * self.n_cells + self.edge_index[0])

    @property
    def n_cells(self) -> int:
        return self.indptr.shape[0] - 1

    def sparse(self, values: Tensor) -> Tensor:
        """A sparse (n, n) matrix with ``values`` on the edges."""
        n = self.n_cells
        return torch.sparse_csr_tensor(
            self.indptr, self.edge_index[1], values, (n, n), check_invariants=False
        )


def neighbour_sums(graph: Neighbourhoods, weight: Tensor, x: Tensor) -> Tensor:
    """Sum of each cell's neighbours' rows (n, d), weighted by edge (m,)."""
    if x.device.type == "mps":  # has no sparse products
        return gathered_sums(graph, weight, x)
    return graph.sparse(weight) @ x


def gathered_sums(graph: Neighbourhoods, weight: Tensor, x: Tensor) -> Tensor:
    """The same by way of a message per edge."""
    target, source = graph.edge_index
    messages = weight.unsqueeze(1) * x.index_select(0, source)
    return torch.zeros_like(x).index_add(0, target, messages)
