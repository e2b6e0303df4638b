"""Views of the same cells, their encoders, their fusion and the clusters they agree on."""

import torch
from torch import nn

from spclust.nn.encoders import GraphAttentionEncoder, ProjectionHead


class SpClust(nn.Module):
    """Parameters of the method: encoders, projection, importances E, fusion W, prototypes P.

    Parameters
    ----------
    widths : sequence of int
        Features of each modality.
    n_clusters : int
    settings : dict
    """

    def __init__(self, widths, n_clusters, settings):
        super().__init__()
        s, width, n_views = settings, settings["hidden_dims"][-1], len(widths) + 1
        self.encoders = nn.ModuleList(
            GraphAttentionEncoder(
                d, s["hidden_dims"], s["heads"], s["residual"], s["last_activation"]
            )
            for d in widths
        )
        self.projection = ProjectionHead(width, s["projection_layers"], s["residual_projection"])
        # at one, the expression views start as the plain features that pre-training saw
        self.importances = nn.ParameterList(
            nn.Parameter(torch.ones(n_clusters, d), requires_grad=s["learn_importance"])
            for d in widths
        )
        self.fusion = nn.Linear(n_views * width, n_views)
        self.prototypes = nn.Parameter(
            torch.zeros(n_clusters, width), requires_grad=s["learn_prototypes"]
        )
        gammas = [s[f"weight_{term}"] for term in ("reconstruction", "modularity", "alignment")]
        self.gammas = nn.Parameter(torch.tensor(gammas), requires_grad=s["learn_weights"])

    def encode_expression(self, features, graphs, labels=None):
        """Z of each expression view, Eq. 5 and 6; without labels no feature is weighted.

        Parameters
        ----------
        features : iterable of Tensor, shape (n, d)
            Of each modality.
        graphs : iterable of Neighbourhoods
            Expression graph of each modality.
        labels : Tensor of int64, shape (n,), optional

        Returns
        -------
        list of Tensor, shape (n, width)
        """
        if labels is not None:
            features = [e.index_select(0, labels) * x for e, x in zip(self.importances, features)]
        return [encode(x, g) for encode, x, g in zip(self.encoders, features, graphs)]

    def encode_spatial(self, features, graph):
        """Z of the spatial view: the mean over modalities."""
        return mean([encode(x, graph) for encode, x in zip(self.encoders, features)])

    def encode(self, features, graphs, labels=None, beside=None):
        """Z of all views, the spatial one last; all but the labels as in a Batch."""
        x, (*expression, spatial) = list(features.values()), graphs.values()
        return [
            *self.encode_expression(x, expression, labels),
            self.encode_spatial(x if beside is None else beside.values(), spatial),
        ]

    def project(self, z):
        """H of each view, Eq. 7."""
        return [self.projection(zv) for zv in z]

    def fuse(self, h):
        """Weights (n, views) and the fused embedding, Eq. 12."""
        weights = self.fusion(torch.cat(h, dim=1)).softmax(dim=1)
        return weights, sum(weights[:, v : v + 1] * hv for v, hv in enumerate(h))

    def assign(self, embedding, temperature):
        """Soft labels, Eq. 13 for the fused embedding and Eq. 17 for the expression view."""
        p = nn.functional.normalize(self.prototypes, dim=1)
        return (embedding @ p.t() / temperature).softmax(dim=1)


def mean(values):
    """Mean of scalars or of embeddings, of one the value itself."""
    return values[0] if len(values) == 1 else torch.stack(values).mean(0)


def expression_embedding(h):
    """What clusters live in: H of the expression view, of several their mean at unit length."""
    return h[0] if len(h) == 1 else nn.functional.normalize(mean(h), dim=1)
