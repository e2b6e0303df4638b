"""Two graphs a modality under one encoder, and attention within and between modalities."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from spclust.nn.modalities import glorot
from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.view_attention import ViewAttention


class Encoded(NamedTuple):
    """What :class:`DualGraphs` makes of cells.

    Attributes
    ----------
    z : Tensor, shape (n, width)
        Of all modalities.
    parts : list of Tensor, shape (n, width)
        Of each modality.
    within : list of Tensor, shape (n, 2)
        Weights of each modality's spatial and expression graph.
    between : Tensor, shape (n, modalities), or None
        Weights of the modalities, where they are fused by attention.
    """

    z: Tensor
    parts: list
    within: list
    between: Tensor | None


class DualGraphs(nn.Module):
    """The encoder of SpatialGlue (Long et al. 2024), for any number of modalities.

    A modality has one linear graph convolution for its two graphs, that of space and that of its
    own features; each cell weighs the two, then the modalities.

    Parameters
    ----------
    widths : sequence of int
        Features of each modality.
    width : int
        Of every embedding.
    fusion : {'attention', 'mlp'}
        How modalities become one: weighed by each cell (SpatialGlue), or two linear layers on all
        of them side by side (SpaMCA).
    """

    def __init__(self, widths, width, fusion):
        super().__init__()
        self.encoders = nn.ModuleList(glorot(d, width) for d in widths)
        self.decoders = nn.ModuleList(glorot(width, d) for d in widths)
        self.within = nn.ModuleList(ViewAttention(width) for _ in widths)
        if fusion == "attention":
            self.between = ViewAttention(width)
        else:
            sizes = (len(widths) * width, width, width)
            self.between = nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])))

    def encode(self, inputs, expression, space: Neighbourhoods) -> Encoded:
        """Embeddings of cells.

        Parameters
        ----------
        inputs : iterable of (Tensor, Tensor), shape (n, d)
            Features of each modality as its spatial and its expression graph see them.
        expression : iterable of Neighbourhoods
            Expression graph of each modality.
        space : Neighbourhoods
        """
        parts, weights = [], []
        for pair, graph, encoder, attend in zip(inputs, expression, self.encoders, self.within):
            views = [g.propagate(encoder(x)) for x, g in zip(pair, (space, graph))]
            part, shares = attend(views)
            parts.append(part)
            weights.append(shares)
        if isinstance(self.between, ViewAttention):
            z, shares = self.between(parts)
            return Encoded(z, parts, weights, shares)
        return Encoded(self.between(torch.cat(parts, dim=1)), parts, weights, None)

    def decode(self, z: Tensor, space: Neighbourhoods) -> list:
        """Features of each modality, spread over the spatial graph."""
        spread = space.propagate(z)
        return [decoder(spread) for decoder in self.decoders]

    def correspondence(self, parts, space: Neighbourhoods) -> list:
        """How much of a modality's embedding survives the way through another modality.

        Mean squared error of each part and what the other's decoder and encoder, both over the
        spatial graph, make of it; averaged over the others.
        """
        losses = []
        for i, part in enumerate(parts):
            spread = space.propagate(part)
            others = [
                (part - space.propagate(encoder(decoder(spread)))).square().mean()
                for j, (encoder, decoder) in enumerate(zip(self.encoders, self.decoders))
                if j != i
            ]
            losses.append(torch.stack(others).mean() if others else part.new_zeros(()))
        return losses
