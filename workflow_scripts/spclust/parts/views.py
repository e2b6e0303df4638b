"""One view of the cells: its graph as the encoder, the decoder and the modularity need it."""

import numpy as np
import torch

from spclust.parts.encoders import Neighbourhoods
from spclust.parts.graphs import normalised_adjacency, with_self_loops


class View:
    """A graph in the three forms that the objective asks for.

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
    edges : Tensor, shape (2, 2|E|)
        Both directions of every edge, without self-loops, for the modularity (Eq. 14).
    degree : Tensor, shape (n,)
    """

    def __init__(self, adjacency, device):
        adjacency = adjacency.tocsr()
        looped = with_self_loops(adjacency)
        self.neighbourhoods = Neighbourhoods.from_scipy(looped, device)
        laplacian = normalised_adjacency(looped)
        target = laplacian.multiply(1.0 / laplacian.sum(1)).tocsr().sorted_indices()
        self.target = torch.from_numpy(target.data.astype(np.float32)).to(device)
        edges = adjacency.tocoo()
        self.edges = torch.from_numpy(np.stack([edges.row, edges.col])).long().to(device)
        self.degree = torch.from_numpy(np.diff(adjacency.indptr).astype(np.float32)).to(device)
