"""One view of the cells: its graph as the encoder, the decoder and the modularity need it."""

from functools import cached_property

import numpy as np
import torch

from spclust.parts.graphs import normalised_adjacency, with_self_loops
from spclust.parts.neighbourhoods import Neighbourhoods


class View:
    """A graph in the two forms that the objective asks for, each made when first asked for.

    Parameters
    ----------
    adjacency : scipy sparse matrix, shape (n, n)
        Symmetric, binary, no self-loops.
    device : torch.device

    Attributes
    ----------
    neighbourhoods : Neighbourhoods
        With self-loops, for the encoder; its edges are also the entries of L.
    target : Tensor, shape (m,)
        Entries of ``L = D^-1/2 A D^-1/2`` (Eq. 11), each row rescaled to sum to one, so that it
        is a distribution over cells.
    """

    def __init__(self, adjacency, device):
        self.adjacency, self.device = adjacency.tocsr(), device

    @cached_property
    def neighbourhoods(self):
        return Neighbourhoods.from_scipy(with_self_loops(self.adjacency), self.device)

    @cached_property
    def target(self):
        laplacian = normalised_adjacency(with_self_loops(self.adjacency))
        target = laplacian.multiply(1.0 / laplacian.sum(1)).tocsr().sorted_indices()
        return torch.from_numpy(target.data.astype(np.float32)).to(self.device)
