"""One graph a modality: that of space and one of features whose edges are learnt, mixed.

PRAGA (Huang et al. 2025) and CRCT, which builds on it, lay a 1 x 1 convolution over the two
stacked n x n matrices: a weighted sum of them and a bias, which would join every cell to every
other. Here the two weights are a softmax, there is no bias, and the entries that are learnt are
those of the feature graph's edges, so that memory grows with edges.
"""

import torch
from torch import Tensor, nn

from spclust.neighbours.knn import with_self_loops
from spclust.nn.encoders import weighted_sums
from spclust.nn.modalities import glorot
from spclust.nn.neighbourhoods import Neighbourhoods

# under the root of the graphs' distance, whose gradient at zero has no bound
TINY = 1e-12


def positions(part: Neighbourhoods, whole: Neighbourhoods) -> Tensor:
    """Where the edges of a graph stand among those of one that has them all, int64 (m,)."""
    keys = [graph.edge_index[0] * graph.n_cells + graph.edge_index[1] for graph in (whole, part)]
    return torch.searchsorted(*keys)


class FusedGraph(nn.Module):
    """The graph of one modality that cells are encoded over, Eq. 2 of CRCT.

    Parameters
    ----------
    spatial, features : csr_matrix, shape (n, n)
        Symmetric, without self-loops.
    memory : float
        Share of the anchor that an epoch leaves as it is; see :meth:`drift`.
    device : torch.device
    """

    def __init__(self, spatial, features, memory, device):
        super().__init__()
        space, learnt, union = (
            Neighbourhoods.from_scipy(with_self_loops(graph), device)
            for graph in (spatial, features, spatial + features)
        )
        self.union, self.learnt, self.memory = union, learnt, memory
        self.places = positions(learnt, union)
        values = union.weight.new_zeros(len(union.weight))
        spatial = values.index_copy(0, positions(space, union), space.normalised)
        self.register_buffer("spatial", spatial, persistent=False)
        # both directions of an edge are one parameter
        first = torch.minimum(torch.arange(len(learnt.weight), device=device), learnt.reverse)
        kept, self.pair = torch.unique(first, return_inverse=True)
        self.edges = nn.Parameter(learnt.weight.index_select(0, kept).clone())
        self.loops = learnt.edge_index[0] == learnt.edge_index[1]
        self.mixture = nn.Parameter(torch.zeros(2, device=device))
        self.register_buffer("anchor", self.learnt_values().detach().clone())

    def learnt_values(self) -> Tensor:
        """Edge values of the learnt graph: rectified, with self-loops of one, normalised."""
        weight = self.edges.relu().index_select(0, self.pair)
        weight = torch.where(self.loops, torch.ones_like(weight), weight)
        ones = weight.new_ones(self.learnt.n_cells, 1)
        root = weighted_sums(weight, ones, self.learnt).squeeze(1).rsqrt()
        target, source = self.learnt.edge_index
        return weight * root.index_select(0, target) * root.index_select(0, source)

    def shares(self) -> Tensor:
        """Of the spatial and of the learnt graph in the mixture, shape (2,)."""
        return self.mixture.softmax(0)

    def propagate(self, x: Tensor) -> Tensor:
        """The fused graph times ``x`` (n, d)."""
        of_space, of_features = self.shares()
        learnt = torch.zeros_like(self.spatial).index_copy(0, self.places, self.learnt_values())
        return weighted_sums(of_space * self.spatial + of_features * learnt, x, self.union)

    def drift(self) -> Tensor:
        """Frobenius norm of the learnt graph less its anchor, Eq. 12 of CRCT, a scalar.

        The anchor is the graph that the data gave (``memory`` 1, CRCT), or follows the learnt one
        as a moving mean (PRAGA).
        """
        return ((self.learnt_values() - self.anchor).square().sum() + TINY).sqrt()

    @torch.no_grad()
    def remember(self):
        """Move the anchor; to be called once an epoch."""
        if self.memory < 1:
            self.anchor.lerp_(self.learnt_values(), 1 - self.memory)


class FusedGraphs(nn.Module):
    """One linear graph convolution a modality, a fusion of all, and decoders.

    Parameters
    ----------
    widths : sequence of int
        Features of each modality.
    width : int
        Of the embedding.
    spatial : csr_matrix, shape (n, n)
    features : sequence of csr_matrix, shape (n, n)
        Feature graph of each modality.
    memory : float
        See :class:`FusedGraph`.
    decoder : {'spatial', 'pointwise'}
        Whether embeddings are spread over the spatial graph before they are decoded.
    device : torch.device
    """

    def __init__(self, widths, width, spatial, features, memory, decoder, device):
        super().__init__()
        self.graphs = nn.ModuleList(FusedGraph(spatial, f, memory, device) for f in features)
        self.space = None
        if decoder == "spatial":
            self.space = Neighbourhoods.from_scipy(with_self_loops(spatial), device)
        self.encoders = nn.ModuleList(glorot(d, width) for d in widths)
        # linear, as the authors'
        self.fusion = nn.Sequential(nn.Linear(len(widths) * width, width), nn.Linear(width, width))
        self.decoders = nn.ModuleList(glorot(width, d) for d in widths)
        self.to(device)

    def encode(self, features) -> Tensor:
        """Embedding (n, width) of the features (n, d) of each modality, Eq. 3 and 4."""
        z = [
            graph.propagate(encoder(x))
            for x, encoder, graph in zip(features, self.encoders, self.graphs)
        ]
        return self.fusion(torch.cat(z, dim=1))

    def decode(self, z: Tensor) -> list:
        """Features of each modality from embeddings (n, width), Eq. 9."""
        z = z if self.space is None else self.space.propagate(z)
        return [decoder(z) for decoder in self.decoders]

    def drift(self) -> Tensor:
        """Mean over modalities of :meth:`FusedGraph.drift`."""
        return torch.stack([graph.drift() for graph in self.graphs]).mean()

    def remember(self):
        """See :meth:`FusedGraph.remember`."""
        for graph in self.graphs:
            graph.remember()
